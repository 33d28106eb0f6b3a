/* A table with a mapping becomes a sealed session. Cells as in RFC 4180, with the mapping's delimiter. */
#include "mapping.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>

#define MAX_PROBLEMS 100

typedef struct {
	const char *name;
	char *bytes;
	gsize size;
	const char *at;
	unsigned line;
	GPtrArray *cells; /* char*, of the present row */
	char delimiter;
	Diagnostics *diag;
	size_t errors_before;
	uint64_t equal; /* samples at the time of the one before them */
} Table;

static void table_clear(Table *t)
{
	g_free(t->bytes);
	g_clear_pointer(&t->cells, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Table, table_clear)

static bool clean(const Table *t)
{
	return diagnostics_errors(t->diag) == t->errors_before;
}

/* One cell; leaves `at` on the delimiter, the line's end, or the text's end. */
static char *read_cell(Table *t, unsigned first_line)
{
	const char *end = t->bytes + t->size;
	GString *cell = g_string_new(NULL);
	if (t->at < end && *t->at == '"') {
		for (t->at++; t->at < end; t->at++) {
			if (*t->at == '"' && t->at + 1 < end && t->at[1] == '"')
				t->at++;
			else if (*t->at == '"')
				break;
			else if (*t->at == '\n')
				t->line++;
			g_string_append_c(cell, *t->at);
		}
		if (t->at == end)
			diagnostics_add(t->diag, false, t->name, first_line, 0,
					"a quoted cell has no end");
		else
			t->at++;
	}
	while (t->at < end && *t->at != t->delimiter && *t->at != '\n')
		g_string_append_c(cell, *t->at++);
	g_strstrip(cell->str); /* and the \r of Windows */
	return g_string_free(cell, FALSE);
}

/* False at the end. Empty lines are stepped over. */
static bool next_row(Table *t, unsigned *ret_line)
{
	const char *end = t->bytes + t->size;
	while (t->at < end &&
	       (*t->at == '\n' || (*t->at == '\r' && t->at + 1 < end && t->at[1] == '\n'))) {
		t->line += *t->at == '\n';
		t->at++;
	}
	if (t->at >= end)
		return false;
	g_ptr_array_set_size(t->cells, 0);
	*ret_line = t->line;
	for (;;) {
		g_ptr_array_add(t->cells, read_cell(t, *ret_line));
		if (t->at >= end || *t->at == '\n')
			break;
		t->at++;
		if (t->cells->len > 10000)
			break;
	}
	if (t->at < end) {
		t->at++;
		t->line++;
	}
	return true;
}

static gboolean open_table(Table *t, const char *path, const Mapping *m, GError **error)
{
	g_autoptr(GError) local = NULL;
	t->name = path;
	t->line = 1;
	t->delimiter = m->delimiter;
	t->cells = g_ptr_array_new_with_free_func(g_free);
	if (!g_file_get_contents(path, &t->bytes, &t->size, &local)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s", local->message);
		return FALSE;
	}
	if (!g_utf8_validate(t->bytes, (gssize)t->size, NULL)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: expected a text file in UTF-8", path);
		return FALSE;
	}
	t->at = t->bytes + (g_str_has_prefix(t->bytes, "\xef\xbb\xbf") ? 3 : 0);
	return TRUE;
}

static int column_of(const Table *t, const Mapping *m, const char *heading, unsigned line)
{
	int found = -1;
	if (!m->headings) {
		guint64 n = g_ascii_strtoull(heading, NULL, 10);
		if (n >= 1 && n <= t->cells->len)
			return (int)n - 1;
		diagnostics_add(t->diag, false, t->name, line, 1,
				"the mapping names the column '%s' of a table without headings; "
				"expected 1 to %u",
				heading, t->cells->len);
		return -1;
	}
	for (guint i = 0; i < t->cells->len; i++) {
		if (strcmp(t->cells->pdata[i], heading))
			continue;
		if (found >= 0)
			diagnostics_add(t->diag, false, t->name, line, i + 1,
					"the column '%s' is there twice", heading);
		found = (int)i;
	}
	if (found < 0)
		diagnostics_add(t->diag, false, t->name, line, 1,
				"expected a column '%s', which the mapping names; found: %s%s",
				heading, t->cells->len ? (char *)t->cells->pdata[0] : "nothing",
				t->cells->len > 1 ? ", …" : "");
	return found;
}

/* A decimal number, whole cell; never hexadecimal, never with a decimal comma. */
static bool number_of(const char *cell, double *ret)
{
	char *end;
	for (const char *c = cell; *c; c++)
		if (!strchr("0123456789+-.eE", *c))
			return false;
	double v = g_ascii_strtod(cell, &end);
	if (end == cell || *end || !isfinite(v))
		return false;
	*ret = v;
	return true;
}

/* "2022-11-04 12:30:36.123", also with T between date and time; the zone is the mapping's. */
static bool date_of(const Mapping *m, const char *cell, int64_t *ret)
{
	int year, month, day, hour, minute, second, used = 0;
	if (sscanf(cell, "%4d-%2d-%2d%*1[ T]%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
		   &second, &used) != 6 ||
	    used == 0)
		return false;
	int64_t ns = 0, unit = CLOCK_S;
	const char *at = cell + used;
	if (*at == '.')
		for (at++; g_ascii_isdigit(*at) && unit > 1; at++)
			ns += (*at - '0') * (unit /= 10);
	g_autoptr(GDateTime) date =
		*at ? NULL : g_date_time_new_utc(year, month, day, hour, minute, second);
	if (!date || ABS(g_date_time_to_unix(date)) > INT64_MAX / CLOCK_S / 2)
		return false;
	*ret = g_date_time_to_unix(date) * CLOCK_S + ns - m->zone_ns + m->offset_ns;
	return true;
}

/* Seconds with up to nine places are exact in nanoseconds when read as digits; a double of a UTC time is not. */
static bool time_of(const Mapping *m, const char *cell, int64_t *ret)
{
	double v, limit = 9.2e18;
	if (m->time_scale == 0)
		return date_of(m, cell, ret);
	if (!number_of(cell, &v) || fabs(v * m->time_scale * 1e9) > limit / 2)
		return false;
	const char *dot = strchr(cell, '.');
	if (strpbrk(cell, "eE") || m->time_scale < 1e-9) {
		*ret = (int64_t)llround(v * m->time_scale * 1e9);
	} else {
		int64_t unit_ns = (int64_t)llround(m->time_scale * 1e9),
			whole = g_ascii_strtoll(cell, NULL, 10);
		double fraction = dot ? g_ascii_strtod(dot, NULL) : 0;
		int64_t part = (int64_t)llround(fraction * (double)unit_ns);
		*ret = whole * unit_ns + (cell[0] == '-' ? -part : part);
	}
	if (*ret > INT64_MAX / 2 - ABS(m->offset_ns))
		return false;
	*ret += m->offset_ns;
	return true;
}

static bool is_missing(const char *cell)
{
	return !g_ascii_strcasecmp(cell, "nan") || !g_ascii_strcasecmp(cell, "na") ||
	       !g_ascii_strcasecmp(cell, "null");
}

/* As signal_append(), but a burst keeps its equal times. */
static bool keep(Table *t, Signal *s, int64_t time_ns, double v, SampleStatus status)
{
	if (s->n == 0 || time_ns != s->t_ns[s->n - 1])
		return signal_append(s, time_ns, v, status);
	t->equal++;
	if (s->n == s->capacity) {
		s->capacity += s->capacity / 2 + 16;
		s->t_ns = g_renew(int64_t, s->t_ns, s->capacity);
		s->v = g_renew(double, s->v, s->capacity);
		s->status = g_renew(uint8_t, s->status, s->capacity);
	}
	s->t_ns[s->n] = time_ns;
	s->v[s->n] = v;
	s->status[s->n++] = (uint8_t)status;
	return true;
}

static void take_cell(Table *t, const MappedSignal *mapped, Signal *signal, int column,
		      int64_t time_ns, unsigned line)
{
	const char *cell = t->cells->pdata[column];
	double v = NAN;
	if (!*cell)
		return;
	bool missing = is_missing(cell);
	if (!missing && !number_of(cell, &v))
		diagnostics_add(t->diag, false, t->name, line, (unsigned)column + 1,
				"%s: expected a number, nan or nothing, found '%.40s'",
				mapped->info.name, cell);
	else if (!missing && mapped->info.boolean && v != 0 && v != 1)
		diagnostics_add(t->diag, false, t->name, line, (unsigned)column + 1,
				"%s: expected 0 or 1, found '%.40s'", mapped->info.name, cell);
	else if (!keep(t, signal, time_ns, v, missing ? SAMPLE_MISSING : SAMPLE_OK))
		diagnostics_add(
			t->diag, false, t->name, line, (unsigned)column + 1,
			"%s: its time is before the one of its last row: choose one run with "
			"`where`, or sort the rows",
			mapped->info.name);
}

/* Columns of the mapping in this table. */
typedef struct {
	int time;
	int *values; /* of each signal */
	GPtrArray *
		when; /* int*: of each signal, the columns of its `where`; an element may be NULL */
} Columns;

static void columns_clear(Columns *c)
{
	g_free(c->values);
	g_clear_pointer(&c->when, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Columns, columns_clear)

static void find_columns(const Table *t, const Mapping *m, unsigned line, Columns *c)
{
	c->time = column_of(t, m, m->time_column, line);
	c->values = g_new0(int, m->signals->len);
	c->when = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < m->signals->len; i++) {
		const MappedSignal *s = m->signals->pdata[i];
		int *when = s->where ? g_new0(int, s->where->len) : NULL;
		c->values[i] = column_of(t, m, s->column, line);
		for (guint k = 0; when && k < s->where->len; k += 2)
			when[k] = column_of(t, m, s->where->pdata[k], line);
		g_ptr_array_add(c->when, when);
	}
}

static bool row_is_of(const Table *t, const MappedSignal *s, const int *when)
{
	for (guint k = 0; when && k < s->where->len; k += 2)
		if (strcmp(t->cells->pdata[when[k]], s->where->pdata[k + 1]) != 0)
			return false;
	return true;
}

static void take_row(Table *t, const Mapping *m, const Columns *c, GPtrArray *signals,
		     unsigned line)
{
	int64_t time_ns;
	const char *cell = t->cells->pdata[c->time];
	if (!time_of(m, cell, &time_ns) || time_ns < 0) {
		diagnostics_add(
			t->diag, false, t->name, line, (unsigned)c->time + 1,
			m->time_scale == 0
				? "expected a date such as 2026-11-24 12:30:00.123, found '%.40s'"
				: "expected a time that is not negative (after the mapping's "
				  "offset), found '%.40s'",
			cell);
		return;
	}
	for (guint i = 0; i < m->signals->len; i++)
		if (row_is_of(t, m->signals->pdata[i], c->when->pdata[i]))
			take_cell(t, m->signals->pdata[i], signals->pdata[i], c->values[i], time_ns,
				  line);
}

/* All rows into `signals`, in the mapping's order. */
static void read_rows(Table *t, const Mapping *m, GPtrArray *signals)
{
	unsigned line = 1;
	g_auto(Columns) columns = {0};
	if (!next_row(t, &line)) {
		diagnostics_add(t->diag, false, t->name, 1, 1,
				"expected a row of headings, found nothing");
		return;
	}
	find_columns(t, m, line, &columns);
	guint width = t->cells->len;
	if (!clean(t))
		return;
	if (!m->headings)
		take_row(t, m, &columns, signals, line);
	while (next_row(t, &line) &&
	       diagnostics_errors(t->diag) < t->errors_before + MAX_PROBLEMS) {
		if (t->cells->len != width)
			diagnostics_add(t->diag, false, t->name, line, 1,
					"expected %u cells as in the first row, found %u", width,
					t->cells->len);
		else
			take_row(t, m, &columns, signals, line);
	}
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct {
	SessionWriter *writer;
	SessionProducer *producer;
	Clock *clock;
} Output;

static double rate_of(const Signal *s)
{
	int64_t span = s->n > 1 ? s->t_ns[s->n - 1] - s->t_ns[0] : 0;
	return span > 0 ? (double)(s->n - 1) / ((double)span / 1e9) : 0;
}

static void span_of(const Mapping *m, const GPtrArray *signals, int64_t *ret_start,
		    int64_t *ret_end)
{
	int64_t start = INT64_MAX, end = 0;
	for (guint i = 0; i < signals->len; i++) {
		const Signal *s = signals->pdata[i];
		if (s->n == 0)
			continue;
		start = MIN(start, s->t_ns[0]);
		end = MAX(end, s->t_ns[s->n - 1]);
	}
	*ret_start = m->start_ns != CLOCK_NEVER ? m->start_ns : start == INT64_MAX ? 0 : start;
	*ret_end = m->end_ns != CLOCK_NEVER ? m->end_ns : MAX(end, *ret_start);
}

/* Samples of all signals in the order of time, so that chunks hold what belongs together. */
static gboolean write_samples(Output *o, const GPtrArray *signals, const int *ids, GError **error)
{
	g_autofree size_t *next = g_new0(size_t, signals->len);
	for (unsigned written = 0;; written++) {
		int best = -1;
		for (guint i = 0; i < signals->len; i++) {
			const Signal *s = signals->pdata[i];
			if (next[i] < s->n &&
			    (best < 0 ||
			     s->t_ns[next[i]] <
				     ((const Signal *)signals->pdata[best])->t_ns[next[best]]))
				best = (int)i;
		}
		if (best < 0)
			return session_writer_pump(o->writer, error);
		const Signal *s = signals->pdata[best];
		size_t k = next[best]++;
		session_sample(o->producer, ids[best], s->t_ns[k], s->v[k],
			       (SampleStatus)s->status[k]);
		/* Well below the ring's room. */
		if (written % 4096 == 4095 && !session_writer_pump(o->writer, error))
			return FALSE;
	}
}

static gboolean write_events(Output *o, const Mapping *m, int64_t start, int64_t end,
			     GError **error)
{
	session_event(o->producer, start, "run.start", NULL);
	for (guint i = 0; i < m->events->len; i++) {
		const MappedEvent *e = m->events->pdata[i];
		session_event(o->producer, e->at_ns, e->name, NULL);
		if (i % 256 == 255 && !session_writer_pump(o->writer, error))
			return FALSE;
	}
	session_event(o->producer, end, "run.end", NULL);
	return session_writer_pump(o->writer, error);
}

static gboolean attach(Output *o, const Mapping *m, const char *mapping_path, const Table *t,
		       GError **error)
{
	size_t size;
	const char *bytes = yaml_bytes(m->doc, &size);
	g_autofree char *csv_name = g_path_get_basename(t->name),
			*map_name = g_path_get_basename(mapping_path);
	g_autofree char *csv = g_strconcat("import/", csv_name, NULL),
			*map = g_strconcat("import/", map_name, NULL);
	g_autofree char *csv_hash = session_sha256(t->bytes, t->size);
	session_writer_meta(o->writer, "import.source", csv_name);
	session_writer_meta(o->writer, "import.sha256", csv_hash);
	session_writer_meta(o->writer, "import.mapping", m->id);
	session_writer_meta(o->writer, "import.format", "table");
	g_autofree char *size_text = g_strdup_printf("%zu", t->size);
	session_writer_meta(o->writer, "import.size", size_text);
	if (t->equal > 0) {
		g_autofree char *equal = g_strdup_printf("%" G_GUINT64_FORMAT, t->equal);
		session_writer_meta(o->writer, SESSION_META_BURSTS, equal);
	}
	return session_writer_attach(o->writer, map, "application/yaml", bytes, size, error) &&
	       session_writer_attach(o->writer, csv, "text/csv", t->bytes, t->size, error) &&
	       (!m->judge || session_writer_attach_judge(o->writer, m->judge, error));
}

static gboolean write_session(const Mapping *m, const char *mapping_path, const Table *t,
			      const GPtrArray *signals, const char *out, GError **error)
{
	int64_t start, end;
	span_of(m, signals, &start, &end);
	g_autoptr(Clock) clock = clock_manual_new(0);
	SessionOptions options = {
		.path = out, .clock = clock, .evidence = m->evidence, .inline_writer = true};
	g_autoptr(SessionWriter) writer = session_writer_new(&options, error);
	Output o = {.writer = writer, .clock = clock};
	if (!writer || !attach(&o, m, mapping_path, t, error))
		return FALSE;
	g_autofree int *ids = g_new0(int, signals->len);
	for (guint i = 0; i < signals->len; i++) {
		const Signal *s = signals->pdata[i];
		ids[i] = session_writer_add_signal(
			writer, &((MappedSignal *)m->signals->pdata[i])->info, rate_of(s));
	}
	o.producer = session_writer_add_producer(writer, "import", SESSION_BENCH);
	return session_writer_start(writer, error) && write_events(&o, m, start, end, error) &&
	       write_samples(&o, signals, ids, error) &&
	       session_writer_finish(writer, NULL, NULL, error);
}

static void signal_destroy(void *signal)
{
	signal_free(signal);
}

/* The mapping may be one for recordings. */
static bool fits_tables(const Mapping *m, Diagnostics *diag)
{
	size_t before = diagnostics_errors(diag);
	if (!m->time_column)
		yaml_error(m->doc, NULL, diag, "expected `time`, as this is a table");
	for (guint i = 0; i < m->signals->len; i++) {
		const MappedSignal *s = m->signals->pdata[i];
		if (!s->column)
			diagnostics_add(diag, false, yaml_file(m->doc), s->line, 1,
					"%s: expected `column`, as this is a table", s->info.name);
	}
	return diagnostics_errors(diag) == before;
}

gboolean import_table(const char *csv, const char *mapping, const char *out, Diagnostics *diag,
		      GError **error)
{
	size_t before = diagnostics_errors(diag);
	g_autoptr(Mapping) m = mapping_load(mapping, diag);
	g_auto(Table) t = {.diag = diag, .errors_before = before};
	g_autoptr(GPtrArray) signals = g_ptr_array_new_with_free_func(signal_destroy);
	if (!m) {
		diagnostics_to_error(diag, error);
		return FALSE;
	}
	if (!fits_tables(m, diag)) {
		diagnostics_to_error(diag, error);
		return FALSE;
	}
	if (!open_table(&t, csv, m, error))
		return FALSE;
	for (guint i = 0; i < m->signals->len; i++)
		g_ptr_array_add(signals,
				signal_new(((MappedSignal *)m->signals->pdata[i])->info.name));
	read_rows(&t, m, signals);
	if (!clean(&t)) {
		diagnostics_to_error(diag, error);
		return FALSE;
	}
	if (g_file_test(out, G_FILE_TEST_EXISTS)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: is there already", out);
		return FALSE;
	}
	/* Under a temporary name: a half import is no session. */
	g_autofree char *temporary = g_strdup_printf("%s.part", out);
	g_unlink(temporary);
	if (write_session(m, mapping, &t, signals, temporary, error) &&
	    g_rename(temporary, out) == 0)
		return TRUE;
	if (error && !*error)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: %s", out, g_strerror(errno));
	g_unlink(temporary);
	return FALSE;
}
