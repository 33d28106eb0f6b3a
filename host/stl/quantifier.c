/* `for every region in {body.head, body.neck}: region.force < 65 N` becomes a conjunction of copies, one a name. */
#include "ast.h"

#include <string.h>

int formula_intern(GPtrArray *names, const char *text, size_t length)
{
	for (guint i = 0; i < names->len; i++) {
		const char *have = g_ptr_array_index(names, i);
		if (!strncmp(have, text, length) && !have[length])
			return (int)i;
	}
	g_ptr_array_add(names, g_strndup(text, length));
	return (int)names->len - 1;
}

Node *node_copy(StlFormula *f, const Node *n)
{
	if (!n || ++f->nodes > STL_MAX_NODES)
		return NULL;
	Node *c = g_memdup2(n, sizeof(*n));
	c->a = c->b = c->pattern = NULL;
	c->lo_parameter = g_strdup(n->lo_parameter);
	c->hi_parameter = g_strdup(n->hi_parameter);
	c->variable = g_strdup(n->variable);
	c->set = g_strdup(n->set);
	c->path = g_strdup(n->path);
	c->names = g_strdupv(n->names);
	bool whole = (!n->a || (c->a = node_copy(f, n->a))) &&
		     (!n->b || (c->b = node_copy(f, n->b))) &&
		     (!n->pattern || (c->pattern = node_copy(f, n->pattern)));
	if (!whole)
		g_clear_pointer(&c, node_free);
	return c;
}

/* "region.force" with the variable "region" and the name "body.head": "body.head.force". */
static void put_in(char **path, const char *variable, const char *name)
{
	size_t n = strlen(variable);
	if (!*path || strncmp(*path, variable, n) != 0 || ((*path)[n] && (*path)[n] != '.'))
		return;
	char *full = g_strconcat(name, *path + n, NULL);
	g_free(*path);
	*path = full;
}

static void substitute(Node *n, const char *variable, const char *name)
{
	if (!n)
		return;
	put_in(&n->path, variable, name);
	put_in(&n->set, variable, name);
	for (char **s = n->names; s && *s; s++)
		put_in(s, variable, name);
	substitute(n->a, variable, name);
	substitute(n->b, variable, name);
	substitute(n->pattern, variable, name);
}

/* Signals outside of inner patterns have their whole name now. */
static void settle(StlFormula *f, Node *n)
{
	if (!n)
		return;
	if (n->path)
		n->name = formula_intern(f->signals, n->path, strlen(n->path));
	settle(f, n->a);
	settle(f, n->b);
}

static bool too_many(const Node *n, unsigned *ret_column, GError **error)
{
	stl_error(error, n->column, ret_column, "the formula has too many parts");
	return false;
}

static Node *copy_for(StlFormula *f, const Node *n, const char *name)
{
	Node *c = node_copy(f, n->pattern);
	if (c) {
		substitute(c, n->variable, name);
		settle(f, c);
	}
	return c;
}

static bool fill(StlFormula *f, Node *n, char **names, unsigned *ret_column, GError **error)
{
	for (char **name = names; *name; name++) {
		Node *c = copy_for(f, n, *name);
		Node *joined = c && n->a && ++f->nodes <= STL_MAX_NODES ? g_new0(Node, 1) : NULL;
		if (!c || (n->a && !joined)) {
			node_free(c);
			return too_many(n, ret_column, error);
		}
		if (joined)
			*joined = (Node){.kind = n->kind == N_EVERY ? N_AND : N_OR,
					 .column = n->column,
					 .height = 1 + MAX(n->a->height, c->height),
					 .a = n->a,
					 .b = c,
					 .unit = unit_one,
					 .name = -1};
		n->a = joined ? joined : c;
	}
	return true;
}

static bool expand(StlFormula *f, Node *n, const StlScope *scope, unsigned *ret_column,
		   GError **error)
{
	g_clear_pointer(&n->a, node_free);
	if (n->names)
		return fill(f, n, n->names, ret_column, error);
	if (!scope)
		return true;
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	if (!scope->channels) {
		stl_error(error, n->column, ret_column,
			  "which channels are in '%s' is not known here: name them, in {%s.one, "
			  "%s.two}, so that none can be missed",
			  n->set, n->set, n->set);
		return false;
	}
	scope->channels(scope->user, n->set, names);
	if (names->len == 0) {
		stl_error(error, n->column, ret_column, "there is no channel '%s.…'", n->set);
		return false;
	}
	g_ptr_array_add(names, NULL);
	return fill(f, n, (char **)names->pdata, ret_column, error);
}

bool quantifier_expand(StlFormula *f, Node *n, const StlScope *scope, unsigned *ret_column,
		       GError **error)
{
	if (!n)
		return true;
	if (n->pattern && !expand(f, n, scope, ret_column, error))
		return false;
	return quantifier_expand(f, n->a, scope, ret_column, error) &&
	       quantifier_expand(f, n->b, scope, ret_column, error);
}
