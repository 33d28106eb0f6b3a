/* Types and the tree of fields. */
#include "fields.h"

/* ---- types -------------------------------------------------------------------------------------------------- */

static void field_type_free(void *pointer)
{
	FieldType *field = pointer;
	g_free(field->name);
	g_free(field->of);
	g_free(field);
}

static void message_type_free(void *pointer)
{
	MessageType *type = pointer;
	g_free(type->name);
	g_ptr_array_unref(type->fields);
	g_free(type);
}

TypeSet *type_set_new(void)
{
	TypeSet *set = g_new0(TypeSet, 1);
	set->types = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, message_type_free);
	return set;
}

void type_set_free(TypeSet *set)
{
	if (!set)
		return;
	g_hash_table_unref(set->types);
	g_free(set);
}

MessageType *type_set_find(const TypeSet *set, const char *name)
{
	return set ? g_hash_table_lookup(set->types, name) : NULL;
}

MessageType *type_set_add(TypeSet *set, const char *name)
{
	if (type_set_find(set, name))
		return NULL;
	MessageType *type = g_new0(MessageType, 1);
	type->name = g_strdup(name);
	type->fields = g_ptr_array_new_with_free_func(field_type_free);
	g_hash_table_insert(set->types, type->name, type);
	return type;
}

FieldType *message_type_add(MessageType *type, const char *name, FieldKind kind)
{
	FieldType *field = g_new0(FieldType, 1);
	field->name = g_strdup(name);
	field->kind = kind;
	g_ptr_array_add(type->fields, field);
	return field;
}

void type_set_resolve(TypeSet *set, const TypeSet *standard)
{
	GHashTableIter iter;
	void *value;
	g_hash_table_iter_init(&iter, set->types);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		MessageType *type = value;
		for (guint i = 0; i < type->fields->len; i++) {
			FieldType *field = type->fields->pdata[i];
			if (field->kind != FIELD_MESSAGE || field->message)
				continue;
			field->message = type_set_find(set, field->of);
			if (!field->message)
				field->message = type_set_find(standard, field->of);
			type->dangling |= !field->message;
		}
	}
}

static const char *missing_in(const MessageType *type, GHashTable *seen)
{
	if (!g_hash_table_add(seen, (void *)(uintptr_t)type))
		return NULL;
	for (guint i = 0; i < type->fields->len; i++) {
		const FieldType *field = type->fields->pdata[i];
		if (field->kind != FIELD_MESSAGE)
			continue;
		const char *missing = field->message ? missing_in(field->message, seen) : field->of;
		if (missing)
			return missing;
	}
	return NULL;
}

const char *message_type_missing(const MessageType *type)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	return missing_in(type, seen);
}

char *ros_type_name(const char *name)
{
	const char *first = strchr(name, '/'), *last = strrchr(name, '/');
	if (!first || first == last)
		return g_strdup(name);
	return g_strdup_printf("%.*s/%s", (int)(first - name), name, last + 1);
}

/* ---- nodes -------------------------------------------------------------------------------------------------- */

FieldNode *field_node_new(void)
{
	return g_new0(FieldNode, 1);
}

void field_node_free(FieldNode *root)
{
	if (!root)
		return;
	for (uint32_t i = 0; i < root->n_children; i++)
		field_node_free(root->children[i]);
	g_free(root->children);
	g_free(root->label);
	g_free(root->last_text);
	g_free(root);
}

FieldNode *field_node_child(FieldNode *parent, uint32_t i, const char *label)
{
	if (i >= parent->n_children) {
		parent->children = g_renew(FieldNode *, parent->children, i + 1);
		memset(parent->children + parent->n_children, 0,
		       (i + 1 - parent->n_children) * sizeof(FieldNode *));
		parent->n_children = i + 1;
	}
	FieldNode *child = parent->children[i];
	if (child)
		return child;
	child = parent->children[i] = field_node_new();
	child->parent = parent;
	child->label = g_strdup(label);
	child->index = i;
	return child;
}

FieldNode *field_node_named(FieldNode *parent, const char *label, size_t size)
{
	for (uint32_t i = 0; i < parent->n_children; i++) {
		FieldNode *child = parent->children[i];
		if (child && child->label && strlen(child->label) == size &&
		    !memcmp(child->label, label, size))
			return child;
	}
	if (parent->n_children >= 5000)
		return NULL;
	g_autofree char *text = g_strndup(label, size);
	if (strlen(text) != size)
		return NULL;
	return field_node_child(parent, parent->n_children, text);
}

char *field_node_path(const FieldNode *node)
{
	GString *path = g_string_new(NULL);
	for (; node->parent; node = node->parent) {
		g_autofree char *part = node->label ? g_strconcat(".", node->label, NULL)
						    : g_strdup_printf("[%u]", node->index);
		g_string_prepend(path, part);
	}
	if (path->str[0] == '.')
		g_string_erase(path, 0, 1);
	return g_string_free(path, FALSE);
}

bool field_walk_fails(GError **error, size_t at, const FieldNode *node, const char *what)
{
	g_autofree char *path = node ? field_node_path(node) : NULL;
	if (error && !*error)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_CORRUPT,
			    "byte %zu of the message%s%s: %s", at, path && *path ? ", " : "",
			    path ? path : "", what);
	return false;
}
