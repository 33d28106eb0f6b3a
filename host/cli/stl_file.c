#include "stl_file.h"
#include "stl_json.h"

#include <math.h>
#include <string.h>

#define MAX_ERRORS 20
#define MAX_TIME_S 9e9 /* int64 nanoseconds end at 9.2e9 s */

typedef struct Loader {
	const char *text, *name; /* of the file */
	bool discrete;
	char separator; /* of a table's cells */
	Diagnostics *diag;
	GHashTable *signals;
	const JValue *times; /* common ones, or NULL */
	bool typed; /* the signal that is being read had a value that tells numbers from Booleans */
} Loader;

/* One thing wrong at a byte of the text. */
static bool bad(Loader *l, gsize offset, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool bad(Loader *l, gsize offset, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	unsigned line = 1;
	const char *start = l->text, *at = l->text + offset;
	for (const char *nl; (nl = memchr(start, '\n', (size_t)(at - start))); start = nl + 1)
		line++;
	diagnostics_add(l->diag, false, l->name, line,
			(unsigned)g_utf8_strlen(start, at - start) + 1, "%s", text);
	return false;
}

static Signal *add_signal(Loader *l, const char *name)
{
	Signal *s = signal_new(name);
	s->info.interp = SIGNAL_LINEAR;
	g_hash_table_insert(l->signals, s->info.name, s);
	return s;
}

/* NaN: a missing sample. */
static bool append(Loader *l, Signal *s, double t, double v, gsize offset)
{
	if (!(fabs(t) <= MAX_TIME_S))
		return bad(l, offset, "a time is a number of seconds up to %g", MAX_TIME_S);
	int64_t t_ns = llround(t * 1e9);
	return signal_append(s, t_ns, v, isnan(v) ? SAMPLE_MISSING : SAMPLE_OK) ||
	       bad(l, offset, "the times of '%s' must increase, by a nanosecond at least",
		   s->info.name);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------------- */

static bool bad_at(Loader *l, const JValue *v, const char *message)
{
	return bad(l, v->offset, "%s", message);
}

/* A number, null or "nan" (NaN), or true and false. */
static bool sample_value(Loader *l, Signal *s, const JValue *v, double *ret)
{
	bool missing =
		v->kind == J_NULL || (v->kind == J_STRING && !g_ascii_strcasecmp(v->text, "nan"));
	if (!missing && v->kind != J_NUMBER && v->kind != J_BOOL)
		return bad_at(l, v, "expected a number, true, false or null");
	if (v->kind == J_BOOL && !l->typed) {
		s->info.boolean = true;
		s->info.interp = SIGNAL_PREVIOUS;
	}
	l->typed = l->typed || !missing;
	if (!missing && s->info.boolean != (v->kind == J_BOOL))
		return bad_at(l, v, "a signal is of numbers or of true and false, not of both");
	*ret = missing ? (double)NAN : v->number;
	return true;
}

static bool add_samples(Loader *l, Signal *s, const JValue *t, const JValue *v)
{
	if (v->kind != J_ARRAY || (t && t->kind != J_ARRAY))
		return bad_at(l, v->kind != J_ARRAY ? v : t, "expected an array");
	if (t && t->items->len != v->items->len)
		return bad(l, v->offset, "'%s' has %u times and %u values", s->info.name,
			   t->items->len, v->items->len);
	if (v->items->len == 0)
		return bad(l, v->offset, "'%s' has no samples", s->info.name);
	for (guint i = 0; i < v->items->len; i++) {
		const JValue *ti = t ? jvalue_item(t, i) : NULL, *vi = jvalue_item(v, i);
		double value;
		if (ti && ti->kind != J_NUMBER)
			return bad_at(l, ti, "a time is a number of seconds");
		if (!sample_value(l, s, vi, &value))
			return false;
		const JValue *where = ti ? ti : vi;
		if (!append(l, s, ti ? ti->number : i, value, where->offset))
			return false;
	}
	return true;
}

/* [[t, v], …] */
static bool add_pairs(Loader *l, Signal *s, const JValue *v)
{
	for (guint i = 0; i < v->items->len; i++) {
		const JValue *p = jvalue_item(v, i);
		double value;
		if (p->kind != J_ARRAY || p->items->len != 2 || jvalue_item(p, 0)->kind != J_NUMBER)
			return bad_at(l, p, "expected a pair [time, value]");
		if (!sample_value(l, s, jvalue_item(p, 1), &value) ||
		    !append(l, s, jvalue_item(p, 0)->number, value, p->offset))
			return false;
	}
	return true;
}

static bool set_property(Loader *l, Signal *s, const char *key, const JValue *v)
{
	g_autoptr(GError) error = NULL;
	if (!strcmp(key, "t") || !strcmp(key, "v"))
		return true;
	if (!strcmp(key, "interpolation")) {
		bool previous = v->kind == J_STRING && !strcmp(v->text, "previous");
		if (!previous && (v->kind != J_STRING || strcmp(v->text, "linear") != 0))
			return bad_at(l, v, "expected \"linear\" or \"previous\"");
		if (!previous && s->info.boolean)
			return bad_at(l, v, "a Boolean signal holds its values: \"previous\"");
		s->info.interp = previous ? SIGNAL_PREVIOUS : SIGNAL_LINEAR;
		return true;
	}
	if (!strcmp(key, "unit")) {
		if (v->kind != J_STRING)
			return bad_at(l, v, "expected a unit such as \"m\"");
		return unit_parse(v->text, &s->info.unit, &error) || bad_at(l, v, error->message);
	}
	if (!strcmp(key, "max_gap")) {
		if (v->kind != J_NUMBER || v->number <= 0 || v->number > MAX_TIME_S)
			return bad_at(l, v, "expected a number of seconds above 0");
		s->info.max_gap_ns = llround(v->number * 1e9);
		return true;
	}
	return bad(l, v->offset,
		   "'%s' is no property of a signal; known: t, v, interpolation, unit, max_gap",
		   key);
}

static bool add_object(Loader *l, Signal *s, const JValue *v)
{
	const JValue *t = jvalue_get(v, "t"), *values = jvalue_get(v, "v");
	if (!values || (!t && !l->discrete))
		return bad_at(l, v, "expected {\"t\": [times], \"v\": [values]}");
	if (!add_samples(l, s, t, values))
		return false;
	for (guint i = 0; i < v->items->len; i++)
		if (!set_property(l, s, g_ptr_array_index(v->keys, i), jvalue_item(v, i)))
			return false;
	return true;
}

static bool of_numbers(const JValue *v)
{
	return v && v->kind == J_ARRAY && v->items->len > 0 && jvalue_item(v, 0)->kind != J_ARRAY;
}

static bool add_json_signal(Loader *l, const char *name, const JValue *v)
{
	if (!*name)
		return bad_at(l, v, "a signal needs a name");
	Signal *s = add_signal(l, name);
	l->typed = false;
	if (v->kind == J_OBJECT)
		return add_object(l, s, v);
	if (v->kind != J_ARRAY || v->items->len == 0)
		return bad_at(l, v, "expected {\"t\": [times], \"v\": [values]}");
	if (!of_numbers(v))
		return add_pairs(l, s, v);
	if (!l->times && !l->discrete)
		return bad_at(l, v, "values without times: give {\"t\": [times], \"v\": [values]}");
	return add_samples(l, s, l->times, v);
}

static void load_json(Loader *l, const char *text, gsize length)
{
	gsize offset;
	const char *message;
	g_autoptr(JValue) root = jvalue_parse(text, length, &offset, &message);
	if (!root) {
		bad(l, offset, "%s", message);
		return;
	}
	if (root->kind != J_OBJECT || root->items->len == 0) {
		bad_at(l, root, "expected {\"NAME\": {\"t\": [times], \"v\": [values]}, …}");
		return;
	}
	const char *common = of_numbers(jvalue_get(root, "t"))      ? "t"
			     : of_numbers(jvalue_get(root, "time")) ? "time"
								    : NULL;
	l->times = common ? jvalue_get(root, common) : NULL;
	for (guint i = 0; i < root->items->len; i++) {
		const char *name = g_ptr_array_index(root->keys, i);
		if (common && !strcmp(name, common))
			continue;
		if (!add_json_signal(l, name, jvalue_item(root, i)) &&
		    diagnostics_errors(l->diag) >= MAX_ERRORS)
			return;
	}
}

/* ---- CSV --------------------------------------------------------------------------------------------------------------- */

typedef struct Cell {
	char *text;
	gsize offset;
} Cell;

static void cell_clear(void *p)
{
	g_free(((Cell *)p)->text);
}

/* What stands between the cells: of a heading without commas a semicolon or a tab. */
static char separator_of(const char *line, const char *end)
{
	static const char others[] = {';', '\t'};
	for (size_t i = 0; i < sizeof(others); i++)
		if (!memchr(line, ',', (size_t)(end - line)) &&
		    memchr(line, others[i], (size_t)(end - line)))
			return others[i];
	return ',';
}

/* Cells of one line, without blanks and quotes around them. */
static GArray *cells_of(const Loader *l, const char *line, const char *end)
{
	GArray *cells = g_array_new(FALSE, FALSE, sizeof(Cell));
	g_array_set_clear_func(cells, cell_clear);
	for (const char *s = line;; s++) {
		const char *stop = memchr(s, l->separator, (size_t)(end - s));
		stop = stop ? stop : end;
		Cell cell = {g_strstrip(g_strndup(s, (gsize)(stop - s))), (gsize)(s - l->text)};
		size_t n = strlen(cell.text);
		if (n >= 2 && cell.text[0] == '"' && cell.text[n - 1] == '"') {
			cell.text[n - 1] = 0;
			memmove(cell.text, cell.text + 1, n - 1);
			g_strstrip(cell.text);
		}
		g_array_append_val(cells, cell);
		if (stop == end)
			return cells;
		s = stop;
	}
}

/* "x" or "x [m]". */
static Signal *add_column(Loader *l, const Cell *cell)
{
	g_autofree char *name = g_strdup(cell->text);
	char *open = strchr(name, '['), *close = open ? strchr(open, ']') : NULL;
	g_autoptr(GError) error = NULL;
	Unit unit = unit_one;
	if (open && close && !close[1]) {
		*open = *close = 0;
		if (!unit_parse(g_strstrip(open + 1), &unit, &error))
			bad(l, cell->offset, "%s", error->message);
	}
	g_strchomp(name);
	if (!*name)
		bad(l, cell->offset, "this column has no heading");
	else if (g_hash_table_contains(l->signals, name))
		bad(l, cell->offset, "the column '%s' is there twice", name);
	if (!*name || g_hash_table_contains(l->signals, name))
		return NULL;
	Signal *s = add_signal(l, name);
	s->info.unit = unit;
	return s;
}

/* The columns' signals in their order, NULL for the time. */
static GPtrArray *read_heading(Loader *l, const GArray *cells)
{
	g_autoptr(GPtrArray) columns = g_ptr_array_new();
	bool have_time = false;
	for (guint i = 0; i < cells->len; i++) {
		const Cell *cell = &g_array_index(cells, Cell, i);
		bool time = !have_time && (!strcmp(cell->text, "t") || !strcmp(cell->text, "time"));
		Signal *s = time ? NULL : add_column(l, cell);
		if (!time && !s)
			return NULL;
		have_time = have_time || time;
		g_ptr_array_add(columns, s);
	}
	if (!have_time && !l->discrete) {
		bad(l, 0, "expected a column 't' with the times in seconds");
		return NULL;
	}
	return g_steal_pointer(&columns);
}

/* A number; NaN for `nan`. */
static bool cell_number(Loader *l, const Cell *cell, double *ret)
{
	char *end = NULL;
	bool digits = *cell->text && strspn(cell->text, "0123456789+-.eE") == strlen(cell->text);
	*ret = digits ? g_ascii_strtod(cell->text, &end) : (double)NAN;
	if (digits ? *end || !isfinite(*ret) : g_ascii_strcasecmp(cell->text, "nan") != 0)
		return bad(l, cell->offset, "'%s' is no number", cell->text);
	return true;
}

static bool cell_boolean(const Cell *cell, double *ret)
{
	bool yes = !g_ascii_strcasecmp(cell->text, "true");
	*ret = yes;
	return yes || !g_ascii_strcasecmp(cell->text, "false");
}

/* A number, or true and false: then all cells are, or are empty or `nan`. */
static bool cell_value(Loader *l, Signal *s, bool *typed, const Cell *cell, double *ret)
{
	bool boolean = cell_boolean(cell, ret), missing;
	if (!boolean && !cell_number(l, cell, ret))
		return false;
	missing = !boolean && isnan(*ret);
	if (boolean && !*typed) {
		s->info.boolean = true;
		s->info.interp = SIGNAL_PREVIOUS;
	}
	*typed = *typed || !missing;
	return missing || s->info.boolean == boolean ||
	       bad(l, cell->offset, "a signal is of numbers or of true and false, not of both");
}

/* `t`: the row's number, until its cell says otherwise. */
static bool read_row(Loader *l, const GPtrArray *columns, bool *typed, const GArray *cells,
		     double t)
{
	const Cell *all = &g_array_index(cells, Cell, 0);
	if (cells->len != columns->len)
		return bad(l, all->offset, "expected %u cells, found %u", columns->len, cells->len);
	for (guint i = 0; i < columns->len; i++)
		if (!columns->pdata[i] && !cell_number(l, &all[i], &t))
			return false;
	for (guint i = 0; i < columns->len; i++) {
		double v = (double)NAN;
		if (!columns->pdata[i] || (!*all[i].text && !l->discrete))
			continue;
		if ((*all[i].text && !cell_value(l, columns->pdata[i], &typed[i], &all[i], &v)) ||
		    !append(l, columns->pdata[i], t, v, all[i].offset))
			return false;
	}
	return true;
}

static void load_csv(Loader *l, const char *text, gsize length)
{
	g_autoptr(GPtrArray) columns = NULL;
	g_autofree bool *typed = NULL; /* a column's cells have told numbers from Booleans */
	unsigned row = 0;
	const char *end = text + length;
	for (const char *s = text, *stop; s < end; s = stop + 1) {
		stop = memchr(s, '\n', (size_t)(end - s));
		stop = stop ? stop : end;
		const char *first = s;
		while (first < stop && g_ascii_isspace(*first))
			first++;
		if (first == stop)
			continue;
		if (!columns)
			l->separator = separator_of(s, stop);
		g_autoptr(GArray) cells = cells_of(l, s, stop);
		if (columns && !typed)
			typed = g_new0(bool, columns->len);
		if (columns)
			read_row(l, columns, typed, cells, row++);
		else
			columns = read_heading(l, cells);
		if (!columns || diagnostics_errors(l->diag) >= MAX_ERRORS)
			return;
	}
	if (!columns)
		bad(l, 0, "expected a heading such as t,x,y");
}

/* ---- both -------------------------------------------------------------------------------------------------------------- */

static void need_samples(Loader *l)
{
	GHashTableIter it;
	gpointer s;
	g_hash_table_iter_init(&it, l->signals);
	while (g_hash_table_iter_next(&it, NULL, &s))
		if (((Signal *)s)->n == 0)
			bad(l, 0, "'%s' has no samples", ((Signal *)s)->info.name);
	if (g_hash_table_size(l->signals) == 0)
		bad(l, 0, "there is no signal in it");
}

GHashTable *stl_file_parse(const char *text, gsize length, const char *name, bool discrete,
			   Diagnostics *diag)
{
	g_autoptr(GHashTable) signals =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)signal_free);
	Loader l = {
		.text = text, .name = name, .discrete = discrete, .diag = diag, .signals = signals};
	if (!g_utf8_validate(text, (gssize)length, NULL)) {
		diagnostics_add(diag, false, name, 0, 0, "expected CSV or JSON text in UTF-8");
		return NULL;
	}
	if (g_str_has_prefix(text, "\xef\xbb\xbf")) {
		l.text = text += 3;
		length -= 3;
	}
	const char *first = text;
	while (g_ascii_isspace(*first))
		first++;
	if (*first == '{' || *first == '[')
		load_json(&l, text, length);
	else
		load_csv(&l, text, length);
	if (diagnostics_errors(diag) == 0)
		need_samples(&l);
	return diagnostics_errors(diag) ? NULL : g_steal_pointer(&signals);
}

GHashTable *stl_file_load(const char *path, bool discrete, Diagnostics *diag)
{
	g_autofree char *text = NULL;
	gsize length;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(path, &text, &length, &error)) {
		diagnostics_add(diag, false, path, 0, 0, "%s", error->message);
		return NULL;
	}
	return stl_file_parse(text, length, path, discrete, diag);
}
