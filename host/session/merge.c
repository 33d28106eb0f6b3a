/* Merging several recordings of one run into one session, through the recorder: all of it is written anew. */
#include "loader.h"
#include "redact.h"
#include <math.h>

#define MAX_PARTS 32

typedef struct {
	SessionReader *reader;
	const Recording *recording;
	char *sha256;
	int64_t shift_ns;
	double u_s; /* of the shift */
} Part;

typedef struct {
	Signal *signal;  /* of all parts */
	char **declared; /* of the first part that has it, as pairs */
	const Part *first;
	int id;
} Merged;

typedef struct {
	Part parts[MAX_PARTS];
	size_t n;
	GPtrArray *signals;  /* Merged*, in the order of their first part and name */
	GHashTable *by_name; /* borrowed */
	SessionWriter *writer;
	SessionProducer *producers[MAX_PARTS];
	uint64_t messages;
} Merge;

static void merged_free(void *pointer)
{
	Merged *m = pointer;
	signal_free(m->signal);
	g_strfreev(m->declared);
	g_free(m);
}

/* Pieces cut out of one recording: only they may hold parts of the same signal or camera. Else the alarm of one run could
 * be put behind another one's silence. */
static bool of_one_recording(const Part *a, const Part *b)
{
	const char *x = g_hash_table_lookup(a->recording->meta, "edited.cut"),
		   *y = g_hash_table_lookup(b->recording->meta, "edited.cut");
	return x && y && !strcmp(x, y);
}

/* ---- time ------------------------------------------------------------------------------------ */

static gboolean anchor(const Recording *rec, const char *key, int64_t *ret)
{
	const char *text = g_hash_table_lookup(rec->meta, key);
	*ret = text ? g_ascii_strtoll(text, NULL, 10) : 0;
	return text != NULL;
}

/* UTC − bench time; *ret_u_s: standard uncertainty, the bracket taken as rectangular. */
static gboolean utc_offset(const Recording *rec, int64_t *ret, double *ret_u_s)
{
	int64_t mono, utc, half;
	if (!anchor(rec, "clock.mono_ns", &mono) || !anchor(rec, "clock.utc_ns", &utc) ||
	    !anchor(rec, "clock.uncertainty_ns", &half))
		return FALSE;
	*ret = utc - mono;
	*ret_u_s = (double)half * 1e-9 / sqrt(3);
	return TRUE;
}

static gboolean align(Merge *m, SessionMergeAlign how, int64_t start_u_ns, GError **error)
{
	int64_t first = 0;
	double first_u = 0;
	for (size_t i = 0; i < m->n; i++) {
		Part *p = &m->parts[i];
		switch (how) {
		case MERGE_BENCH:
			break;
		case MERGE_START:
			p->shift_ns = m->parts[0].recording->start_ns - p->recording->start_ns;
			p->u_s = i == 0 ? 0 : (double)start_u_ns * 1e-9;
			break;
		case MERGE_UTC: {
			int64_t offset;
			double u;
			if (!utc_offset(p->recording, &offset, &u))
				return error_input(error, "recording %zu has no UTC anchor", i + 1);
			if (i == 0) {
				first = offset;
				first_u = u;
			}
			p->shift_ns = offset - first;
			p->u_s = i == 0 ? 0 : hypot(u, first_u);
			break;
		}
		}
	}
	return TRUE;
}

/* ---- signals --------------------------------------------------------------------------------- */

static bool same_declaration(char **a, char **b)
{
	guint n = g_strv_length(a);
	if (n != g_strv_length(b))
		return false;
	for (guint i = 0; i < n; i++)
		if (strcmp(a[i], b[i]))
			return false;
	return true;
}

static bool same_value(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

/* Behind what is there already; what stands at the seam in both, equal, counts once. */
static gboolean append_all(Signal *to, const Signal *from, int64_t shift_ns, GError **error)
{
	for (size_t k = 0; k < from->n; k++) {
		int64_t t = from->t_ns[k] + shift_ns;
		ptrdiff_t at = signal_index(to, t);
		bool there = at >= 0 && to->t_ns[at] == t;
		if (there && same_value(to->v[at], from->v[k]) && to->status[at] == from->status[k])
			continue;
		if (!signal_append(to, t, from->v[k], (SampleStatus)from->status[k]))
			return error_input(error,
					   there ? "%s has two values at %.9f s of bench time"
						 : "%s: its recordings overlap, or come in another "
						   "order of time than they are named (%.9f s)",
					   to->info.name, (double)t * 1e-9);
	}
	return TRUE;
}

static Merged *merged_of(Merge *m, const Part *p, const Signal *s, char **declared)
{
	Merged *merged = g_hash_table_lookup(m->by_name, s->info.name);
	if (merged)
		return merged;
	merged = g_new0(Merged, 1);
	merged->signal = signal_new(s->info.name);
	signal_info_clear(&merged->signal->info);
	signal_info_copy(&merged->signal->info, &s->info);
	merged->declared = g_strdupv(declared);
	merged->first = p;
	g_ptr_array_add(m->signals, merged);
	g_hash_table_insert(m->by_name, merged->signal->info.name, merged);
	return merged;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp((*(const Signal *const *)a)->info.name,
		      (*(const Signal *const *)b)->info.name);
}

/* What a run lacks of its product's answers or of the bench's health is no matter of another recorder. */
static bool may_bring(const Merge *m, const Part *p, const SignalInfo *info)
{
	return p == &m->parts[0] || of_one_recording(&m->parts[0], p) ||
	       (info->origin != ORIGIN_RESPONSE && info->origin != ORIGIN_HEALTH);
}

static gboolean take_signals(Merge *m, const Part *p, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	GHashTableIter iter;
	void *value;
	g_hash_table_iter_init(&iter, p->recording->signals);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_ptr_array_add(list, value);
	g_ptr_array_sort(list, by_name);
	for (guint i = 0; i < list->len; i++) {
		const Signal *s = list->pdata[i];
		g_auto(GStrv) declared = signal_info_to_pairs(&s->info);
		Merged *merged = merged_of(m, p, s, declared);
		if (!may_bring(m, p, &s->info))
			return error_input(
				error,
				"%s: what a product answered and how the bench fared belongs "
				"to the first recording; it cannot come from another",
				s->info.name);
		if (merged->first != p && !of_one_recording(merged->first, p))
			return error_input(error,
					   "%s is in two recordings that are not pieces of one",
					   s->info.name);
		if (!same_declaration(declared, merged->declared))
			return error_input(error, "%s is declared differently in two recordings",
					   s->info.name);
		SignalInfo *info = &merged->signal->info;
		info->u_clock_s = MAX(info->u_clock_s, hypot(s->info.u_clock_s, p->u_s));
		if (!append_all(merged->signal, s, p->shift_ns, error))
			return FALSE;
	}
	return TRUE;
}

static double rate_of(const Signal *s)
{
	double span = s->n > 1 ? (double)(s->t_ns[s->n - 1] - s->t_ns[0]) * 1e-9 : 0;
	return span > 0 ? (double)(s->n - 1) / span : 0;
}

static gboolean write_samples(Merge *m, GError **error)
{
	g_autofree size_t *next = g_new0(size_t, m->signals->len + 1);
	for (;; m->messages++) {
		const Merged *best = NULL;
		guint best_at = 0;
		for (guint i = 0; i < m->signals->len; i++) {
			const Merged *one = m->signals->pdata[i];
			if (next[i] < one->signal->n &&
			    (!best ||
			     one->signal->t_ns[next[i]] < best->signal->t_ns[next[best_at]])) {
				best = one;
				best_at = i;
			}
		}
		if (!best)
			return session_writer_pump(m->writer, error);
		size_t k = next[best_at]++;
		session_sample(m->producers[0], best->id, best->signal->t_ns[k], best->signal->v[k],
			       (SampleStatus)best->signal->status[k]);
		if (m->messages % 4096 == 4095 && !session_writer_pump(m->writer, error))
			return FALSE;
	}
}

/* ---- events, faults -------------------------------------------------------------------------- */

static bool in_earlier_part(const Merge *m, size_t part, const Event *e)
{
	for (size_t i = 0; i < part; i++) {
		const GPtrArray *events = m->parts[i].recording->events;
		for (guint k = 0; k < events->len; k++) {
			const Event *other = events->pdata[k];
			if (other->t_ns + m->parts[i].shift_ns ==
				    e->t_ns + m->parts[part].shift_ns &&
			    !strcmp(other->name, e->name) && !g_strcmp0(other->json, e->json))
				return true;
		}
	}
	return false;
}

static bool fault_in_earlier_part(const Merge *m, size_t part, const Fault *f)
{
	for (size_t i = 0; i < part; i++) {
		const GPtrArray *faults = m->parts[i].recording->faults;
		int64_t ahead = m->parts[part].shift_ns - m->parts[i].shift_ns;
		for (guint k = 0; k < faults->len; k++) {
			const Fault *other = faults->pdata[k];
			if (other->t_ns == f->t_ns + ahead && !strcmp(other->source, f->source) &&
			    !strcmp(other->cause, f->cause) &&
			    !g_strcmp0(other->signal, f->signal) && other->blame == f->blame)
				return true;
		}
	}
	return false;
}

/* The timeline has one beginning and one end: those of the first recording that has them. */
static bool has_before(const Merge *m, size_t part, const char *name)
{
	for (size_t i = 0; i < part; i++) {
		const GPtrArray *events = m->parts[i].recording->events;
		for (guint k = 0; k < events->len; k++)
			if (!strcmp(((const Event *)events->pdata[k])->name, name))
				return true;
	}
	return false;
}

static gboolean write_events(Merge *m, size_t part, GError **error)
{
	const Part *p = &m->parts[part];
	for (guint i = 0; i < p->recording->events->len; i++) {
		const Event *e = p->recording->events->pdata[i];
		bool end = !strcmp(e->name, "run.start") || !strcmp(e->name, "run.end");
		if (in_earlier_part(m, part, e))
			continue;
		g_autofree char *renamed =
			end && has_before(m, part, e->name)
				? g_strdup_printf("merged.%zu.%s", part + 1, e->name)
				: NULL;
		session_event(m->producers[part], e->t_ns + p->shift_ns,
			      renamed ? renamed : e->name, e->json);
		m->messages++;
		if (i % 256 == 255 && !session_writer_pump(m->writer, error))
			return FALSE;
	}
	for (guint i = 0; i < p->recording->faults->len; i++) {
		Fault fault = *(const Fault *)p->recording->faults->pdata[i];
		if (fault_in_earlier_part(m, part, &fault))
			continue;
		fault.t_ns += p->shift_ns;
		if (fault.until_ns != CLOCK_NEVER)
			fault.until_ns += p->shift_ns;
		session_fault(m->producers[part], &fault);
		m->messages++;
		if (i % 64 == 63 && !session_writer_pump(m->writer, error))
			return FALSE;
	}
	return session_writer_pump(m->writer, error);
}

/* ---- pictures -------------------------------------------------------------------------------- */

typedef struct {
	Merge *merge;
	size_t part;
	int camera;
	int64_t last_ns;
	GHashTable *written; /* int64_t capture time → CRC + 1 of the bytes */
	GError *error;
} Pictures;

/* The same picture stands in both where two cuts meet. */
static bool is_repeat(Pictures *p, const Frame *f, uint32_t crc)
{
	void *known = g_hash_table_lookup(p->written, &f->capture_ns);
	return known && GPOINTER_TO_SIZE(known) == (size_t)crc + 1;
}

static bool write_picture(const Frame *frame, void *data)
{
	Pictures *p = data;
	Frame copy = *frame;
	int64_t shift = p->merge->parts[p->part].shift_ns;
	copy.capture_ns += shift;
	copy.receipt_ns += shift;
	uint32_t crc = mcap_crc32(0, copy.data, copy.size);
	if (copy.capture_ns <= p->last_ns) {
		if (!is_repeat(p, &copy, crc))
			error_input(&p->error,
				    "a camera's recordings overlap at %.9f s of bench time",
				    (double)copy.capture_ns * 1e-9);
		return !p->error;
	}
	g_hash_table_insert(p->written, g_memdup2(&copy.capture_ns, sizeof(copy.capture_ns)),
			    GSIZE_TO_POINTER((size_t)crc + 1));
	p->last_ns = copy.capture_ns;
	p->merge->messages++;
	session_frame(p->merge->producers[p->part], p->camera, &copy);
	return session_writer_pump(p->merge->writer, &p->error);
}

static const SessionCamera *camera_in(const Part *p, const char *name)
{
	for (size_t i = 0; i < session_reader_cameras(p->reader); i++)
		if (!strcmp(session_reader_camera(p->reader, i)->name, name))
			return session_reader_camera(p->reader, i);
	return NULL;
}

static gboolean one_format(const Merge *m, const char *name, GError **error)
{
	const char *format = NULL;
	const Part *first = NULL;
	for (size_t i = 0; i < m->n; i++) {
		const SessionCamera *c = camera_in(&m->parts[i], name);
		if (c && first && !of_one_recording(first, &m->parts[i]))
			return error_input(
				error, "%s is in two recordings that are not pieces of one", name);
		if (c && !first)
			first = &m->parts[i];
		if (c && format && strcmp(c->format, format))
			return error_input(error,
					   "%s has %s pictures in one recording, %s in another",
					   name, format, c->format);
		format = c ? c->format : format;
	}
	return TRUE;
}

static bool first_with(const Merge *m, size_t part, const char *name)
{
	for (size_t i = 0; i < part; i++)
		if (camera_in(&m->parts[i], name))
			return false;
	return true;
}

/* Cameras are declared before the writer starts, and written after: `ids` by the order of declaration. */
static gboolean declare_cameras(Merge *m, GError **error)
{
	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; k < session_reader_cameras(m->parts[i].reader); k++) {
			const SessionCamera *c = session_reader_camera(m->parts[i].reader, k);
			if (!first_with(m, i, c->name))
				continue;
			if (!one_format(m, c->name, error))
				return FALSE;
			session_writer_add_camera(m->writer, c->name, c->format);
		}
	return TRUE;
}

static gboolean write_camera(Merge *m, const char *name, int id, GError **error)
{
	g_autoptr(GHashTable) written =
		g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	Pictures p = {.merge = m, .camera = id, .last_ns = INT64_MIN, .written = written};
	for (p.part = 0; p.part < m->n; p.part++) {
		if (!camera_in(&m->parts[p.part], name))
			continue;
		if (!session_reader_frames(m->parts[p.part].reader, name, 0, 0, write_picture, &p,
					   error))
			return FALSE;
		if (p.error) {
			g_propagate_error(error, p.error);
			return FALSE;
		}
	}
	return TRUE;
}

static gboolean write_cameras(Merge *m, GError **error)
{
	int id = 0;
	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; k < session_reader_cameras(m->parts[i].reader); k++) {
			const SessionCamera *c = session_reader_camera(m->parts[i].reader, k);
			if (first_with(m, i, c->name) && !write_camera(m, c->name, id++, error))
				return FALSE;
		}
	return TRUE;
}

/* ---- attachments, meta ----------------------------------------------------------------------- */

static bool same_in_first(Merge *m, const char *name, GBytes *bytes)
{
	g_autoptr(GBytes) first = session_reader_attachment(m->parts[0].reader, name, NULL);
	return first && g_bytes_equal(first, bytes);
}

static gboolean attach_all(Merge *m, size_t part, GError **error)
{
	g_autoptr(GPtrArray) names = session_reader_attachments(m->parts[part].reader);
	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		g_autoptr(GBytes) bytes =
			session_reader_attachment(m->parts[part].reader, name, error);
		if (!bytes)
			return FALSE;
		if (part > 0 && same_in_first(m, name, bytes))
			continue;
		g_autofree char *other = g_strdup_printf("merged/%zu/%s", part + 1, name);
		gsize size;
		const void *data = g_bytes_get_data(bytes, &size);
		if (!session_writer_attach(m->writer, part == 0 ? name : other, NULL, data, size,
					   error))
			return FALSE;
	}
	return TRUE;
}

static void take_meta(Merge *m, size_t part)
{
	GHashTableIter iter;
	void *key, *value;
	g_hash_table_iter_init(&iter, m->parts[part].recording->meta);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		g_autofree char *other = g_strdup_printf("merged.%zu.%s", part + 1, (char *)key);
		session_writer_meta(m->writer, part == 0 ? key : other, value);
	}
	g_autofree char *origin = g_strdup_printf("merged.%zu.sha256", part + 1);
	session_writer_meta(m->writer, origin, m->parts[part].sha256);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static gboolean open_parts(Merge *m, const char *const *paths, size_t n, GError **error)
{
	if (n < 2 || n > MAX_PARTS)
		return error_input(error, "expected 2 to %d sessions", MAX_PARTS);
	for (; m->n < n; m->n++) {
		Part *p = &m->parts[m->n];
		p->reader = session_reader_open(paths[m->n], error);
		p->sha256 = p->reader ? session_sha256_file(paths[m->n], error) : NULL;
		if (!p->sha256) {
			session_reader_free(p->reader);
			return FALSE;
		}
		p->recording = session_reader_recording(p->reader);
		/* Its trace belongs to its own chain and would be lost. */
		if (session_reader_withheld(p->reader)->len > 0) {
			session_reader_free(p->reader);
			g_free(p->sha256);
			return error_input(error, "%s: is redacted; merge first, then redact",
					   paths[m->n]);
		}
	}
	return TRUE;
}

static EvidenceClass weakest(const Merge *m)
{
	EvidenceClass evidence = m->parts[0].recording->evidence;
	for (size_t i = 1; i < m->n; i++)
		evidence = MAX(evidence, m->parts[i].recording->evidence);
	return evidence;
}

static char *incomplete(const Merge *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->parts[i].recording->complete)
			return g_strdup_printf("recording %zu of those merged: %s", i + 1,
					       m->parts[i].recording->incomplete_why);
	return NULL;
}

static gboolean write_all(Merge *m, const McapSink *sink, char **ret_sha256, GError **error)
{
	g_autoptr(Clock) clock = clock_manual_new(0);
	SessionOptions options = {
		.sink = sink, .clock = clock, .evidence = weakest(m), .inline_writer = true};
	g_autoptr(SessionWriter) writer = session_writer_new(&options, error);
	m->writer = writer;
	if (!writer)
		return FALSE;
	for (size_t i = 0; i < m->n; i++) {
		g_autofree char *name = g_strdup_printf("recording-%zu", i + 1);
		take_meta(m, i);
		m->producers[i] = session_writer_add_producer(writer, name, SESSION_BENCH);
		if (!attach_all(m, i, error))
			return FALSE;
	}
	for (guint i = 0; i < m->signals->len; i++) {
		Merged *one = m->signals->pdata[i];
		one->id =
			session_writer_add_signal(writer, &one->signal->info, rate_of(one->signal));
	}
	if (!declare_cameras(m, error) || !session_writer_start(writer, error))
		return FALSE;
	for (size_t i = 0; i < m->n; i++)
		if (!write_events(m, i, error))
			return FALSE;
	g_autofree char *why = incomplete(m);
	if (!write_samples(m, error) || !write_cameras(m, error) ||
	    !session_writer_finish(writer, why, ret_sha256, error))
		return FALSE;
	SessionStats stats;
	session_writer_stats(writer, &stats);
	return stats.lost == 0 ||
	       error_input(error,
			   "%" G_GUINT64_FORMAT " records would come before the first recording's "
			   "clock began: are both clocks what --align says?",
			   stats.lost);
}

static gboolean take_all_signals(Merge *m, GError **error)
{
	for (size_t i = 0; i < m->n; i++)
		if (!take_signals(m, &m->parts[i], error))
			return FALSE;
	return TRUE;
}

gboolean session_merge(const char *const *paths, size_t n, SessionMergeAlign how,
		       int64_t start_u_ns, const char *out, SessionEdit *ret, GError **error)
{
	Merge m = {.signals = g_ptr_array_new_with_free_func(merged_free),
		   .by_name = g_hash_table_new(g_str_hash, g_str_equal)};
	g_auto(Output) output = {0};
	g_autofree char *sha256 = NULL;
	gboolean good = open_parts(&m, paths, n, error) && align(&m, how, start_u_ns, error) &&
			take_all_signals(&m, error) && output_open(&output, out, error) &&
			write_all(&m, &output.sink, &sha256, error) &&
			output_commit(&output, error);
	if (good)
		*ret = (SessionEdit){m.messages, g_steal_pointer(&sha256)};
	g_ptr_array_unref(m.signals);
	g_hash_table_unref(m.by_name);
	for (size_t i = 0; i < m.n; i++) {
		session_reader_free(m.parts[i].reader);
		g_free(m.parts[i].sha256);
	}
	return good;
}
