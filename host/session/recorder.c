/* The recorder: set-up, its two threads, acknowledgement, sealing. */
#include "recorder.h"

#define DEFAULT_CHUNK_SIZE (1u << 20)
#define DEFAULT_CHUNK_AGE_NS (300 * CLOCK_MS)
#define POLL_NS (10 * CLOCK_MS)
#define FAST_HZ 100.0

void recorder_fail(SessionWriter *w, const GError *error)
{
	char *none = NULL, *text = g_strdup(error ? error->message : "unknown failure");
	if (!atomic_compare_exchange_strong(&w->failed, &none, text))
		g_free(text);
}

const char *session_writer_failed(const SessionWriter *w)
{
	return atomic_load(&w->failed);
}

static gboolean refuse_failed(const SessionWriter *w, GError **error)
{
	const char *why = session_writer_failed(w);
	if (why)
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO,
			    "%s; the recording is lost from there", why);
	return why == NULL;
}

/* ---- syncing --------------------------------------------------------------------------------- */

static void sync_once(SessionWriter *w)
{
	uint64_t events[MAX_PRODUCERS];
	pthread_mutex_lock(&w->lock);
	memcpy(events, w->events_wanted, sizeof(events));
	w->sync_wanted = false;
	pthread_mutex_unlock(&w->lock);

	g_autoptr(GError) error = NULL;
	int64_t before = clock_now(w->clock);
	if (w->sink.sync && !w->sink.sync(w->sink.self, &error)) {
		recorder_fail(w, error);
		return;
	}
	int64_t took = clock_now(w->clock) - before;
	pthread_mutex_lock(&w->lock);
	w->syncs++;
	w->worst_sync_ns = MAX(w->worst_sync_ns, took);
	pthread_mutex_unlock(&w->lock);
	/* A write that failed meanwhile was not among those that were synced; earlier ones are good. */
	for (unsigned i = 0; i < w->n_producers; i++)
		atomic_store_explicit(&w->producers[i]->events_synced, events[i],
				      memory_order_release);
}

void recorder_ask_sync(SessionWriter *w)
{
	pthread_mutex_lock(&w->lock);
	w->sync_wanted = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static void *syncer(void *data)
{
	SessionWriter *w = data;
	for (;;) {
		pthread_mutex_lock(&w->lock);
		while (!w->sync_wanted && !w->sync_stop)
			pthread_cond_wait(&w->wake, &w->lock);
		bool wanted = w->sync_wanted;
		pthread_mutex_unlock(&w->lock);
		/* After a failed sync nothing is tried again: the kernel would report success for lost pages. */
		if (session_writer_failed(w) || !wanted)
			return NULL;
		sync_once(w);
	}
}

static void *writer(void *data)
{
	SessionWriter *w = data;
	while (!atomic_load(&w->stop) && !session_writer_failed(w)) {
		g_autoptr(GError) error = NULL;
		if (!drain_all(w, &error))
			recorder_fail(w, error);
		clock_wait_until(w->clock, clock_now(w->clock) + POLL_NS);
	}
	return NULL;
}

gboolean session_writer_pump(SessionWriter *w, GError **error)
{
	g_assert(w->inline_writer && w->started);
	g_autoptr(GError) local = NULL;
	if (!refuse_failed(w, error))
		return FALSE;
	if (!drain_all(w, &local)) {
		recorder_fail(w, local);
		return refuse_failed(w, error);
	}
	if (w->sync_wanted)
		sync_once(w);
	return refuse_failed(w, error);
}

bool session_writer_acknowledged(const SessionWriter *w, uint64_t number)
{
	unsigned index = number & 0xff;
	return number != 0 && index < w->n_producers &&
	       atomic_load_explicit(&w->producers[index]->events_synced, memory_order_acquire) >=
		       number >> 8;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static gboolean write_identity(SessionWriter *w, EvidenceClass evidence, GError **error)
{
	int64_t mono, uncertainty, utc = clock_utc(w->clock, &mono, &uncertainty);
	g_autofree char *mono_text = g_strdup_printf("%" G_GINT64_FORMAT, mono);
	g_autofree char *utc_text = g_strdup_printf("%" G_GINT64_FORMAT, utc);
	g_autofree char *u_text = g_strdup_printf("%" G_GINT64_FORMAT, uncertainty);
	const char *const map[] = {
		"format",  SESSION_FORMAT, "evidence", evidence_name(evidence), "clock.mono_ns",
		mono_text, "clock.utc_ns", utc_text,   "clock.uncertainty_ns",  u_text,
		NULL};
	w->identity = g_strdupv((char **)(uintptr_t)map);
	return mcap_writer_metadata(w->file.mcap, SESSION_METADATA, map, error);
}

static void signal_clear(void *pointer)
{
	RecordedSignal *signal = pointer;
	signal_info_clear(&signal->info);
	g_free(signal);
}

static void camera_clear(void *pointer)
{
	RecordedCamera *camera = pointer;
	g_free(camera->name);
	g_free(camera->format);
	g_free(camera);
}

SessionWriter *session_writer_new(const SessionOptions *options, GError **error)
{
	g_assert(options->clock && (options->path || options->sink));
	/* Threads wait on the real clock: a clock that is moved by hand needs the pump. */
	g_assert(options->inline_writer || options->clock == clock_monotonic());
	g_autoptr(SessionWriter) w = g_new0(SessionWriter, 1);
	w->clock = options->clock;
	w->inline_writer = options->inline_writer;
	w->chunk_size = options->chunk_size ? options->chunk_size : DEFAULT_CHUNK_SIZE;
	w->chunk_age_ns = options->chunk_age_ns ? options->chunk_age_ns : DEFAULT_CHUNK_AGE_NS;
	w->meta = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	w->attachments = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	w->signals = g_ptr_array_new_with_free_func(signal_clear);
	w->cameras = g_ptr_array_new_with_free_func(camera_clear);
	w->signal_ids = g_hash_table_new(g_str_hash, g_str_equal);
	w->camera_ids = g_hash_table_new(g_str_hash, g_str_equal);
	w->json = g_string_new(NULL);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	if (options->sink)
		w->sink = *options->sink;
	else if (!mcap_file_sink(options->path, &w->own_sink, error))
		return NULL;
	else
		w->sink = w->own_sink;
	if (!chained_file_open(&w->file, &w->sink, w->clock, error) ||
	    !write_identity(w, options->evidence, error))
		return NULL;
	return g_steal_pointer(&w);
}

static bool good_attachment_name(const char *name)
{
	if (!name || !*name || name[0] == '/' || strchr(name, '\\') ||
	    !g_utf8_validate(name, -1, NULL))
		return false;
	g_auto(GStrv) parts = g_strsplit(name, "/", -1);
	for (char **part = parts; *part; part++)
		if (!**part || !strcmp(*part, ".") || !strcmp(*part, ".."))
			return false;
	return true;
}

static const char *media_type_of(const char *name)
{
	static const char *const known[][2] = {
		{".yaml", "application/yaml"}, {".yml", "application/yaml"},
		{".json", "application/json"}, {".csv", "text/csv"},
		{".html", "text/html"},        {".txt", "text/plain"},
		{".mp4", "video/mp4"},         {".mcap", "application/x-mcap"}};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (g_str_has_suffix(name, known[i][0]))
			return known[i][1];
	return "application/octet-stream";
}

gboolean session_writer_attach(SessionWriter *w, const char *name, const char *media_type,
			       const void *data, size_t size, GError **error)
{
	g_assert(!w->started);
	if (!good_attachment_name(name) || g_hash_table_contains(w->attachments, name)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "attachment '%s': the name is %s", name ? name : "",
			    good_attachment_name(name) ? "taken" : "no plain relative path");
		return FALSE;
	}
	int64_t mono, uncertainty, utc = clock_utc(w->clock, &mono, &uncertainty);
	g_autoptr(GError) local = NULL;
	if (!refuse_failed(w, error))
		return FALSE;
	if (!mcap_writer_attachment(w->file.mcap, name,
				    media_type ? media_type : media_type_of(name), (uint64_t)mono,
				    (uint64_t)utc, data, size, &local)) {
		recorder_fail(w, local);
		return refuse_failed(w, error);
	}
	g_hash_table_add(w->attachments, g_strdup(name));
	return TRUE;
}

gboolean session_writer_attach_file(SessionWriter *w, const char *name, const char *path,
				    GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autofree char *data = NULL;
	gsize size = 0;
	if (!g_file_get_contents(path, &data, &size, &local)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s", local->message);
		return FALSE;
	}
	return session_writer_attach(w, name, NULL, data, size, error);
}

gboolean session_writer_attach_judge(SessionWriter *w, const JudgeSpec *spec, GError **error)
{
	g_autofree char *json = judge_spec_to_json(spec);
	return session_writer_attach(w, "judge.json", NULL, json, strlen(json), error);
}

void session_writer_meta(SessionWriter *w, const char *key, const char *value)
{
	g_assert(!w->started);
	g_hash_table_replace(w->meta, g_strdup(key), g_utf8_make_valid(value ? value : "", -1));
}

int session_writer_add_signal(SessionWriter *w, const SignalInfo *info, double expected_hz)
{
	g_assert(!w->started);
	if (!info->name || g_hash_table_contains(w->signal_ids, info->name) ||
	    w->signals->len > 30000)
		return -1;
	RecordedSignal *signal = g_new0(RecordedSignal, 1);
	signal_info_copy(&signal->info, info);
	signal->slow = !(expected_hz >= FAST_HZ);
	g_ptr_array_add(w->signals, signal);
	g_hash_table_insert(w->signal_ids, signal->info.name,
			    GINT_TO_POINTER((int)w->signals->len));
	return (int)w->signals->len - 1;
}

int session_writer_add_camera(SessionWriter *w, const char *name, const char *format)
{
	g_assert(!w->started);
	SchemaId schema = schema_of_format(format);
	if (!schema || g_hash_table_contains(w->camera_ids, name) || w->cameras->len > 1000)
		return -1;
	RecordedCamera *camera = g_new0(RecordedCamera, 1);
	camera->name = g_strdup(name);
	camera->format = g_strdup(format);
	camera->schema = schema;
	g_ptr_array_add(w->cameras, camera);
	g_hash_table_insert(w->camera_ids, camera->name, GINT_TO_POINTER((int)w->cameras->len));
	return (int)w->cameras->len - 1;
}

SessionProducer *session_writer_add_producer(SessionWriter *w, const char *name,
					     SessionProducerKind kind)
{
	g_assert(!w->started && w->n_producers < MAX_PRODUCERS);
	SessionProducer *p = producer_new(w, name, kind, w->n_producers);
	w->producers[w->n_producers++] = p;
	return p;
}

/* ---- channels -------------------------------------------------------------------------------- */

static gboolean declare_schemas(McapWriter *mcap, GError **error)
{
	for (unsigned id = SCHEMA_SAMPLE; id <= SCHEMA_FRAME_INFO; id++) {
		const SchemaText *s = schema_text((SchemaId)id);
		if (!mcap_writer_schema(mcap, s->id, s->name, s->encoding, s->text, strlen(s->text),
					error))
			return FALSE;
	}
	return TRUE;
}

static gboolean declare_plain(McapWriter *mcap, uint16_t id, SchemaId schema, const char *topic,
			      TopicKind kind, const char *name, const char *format, unsigned lane,
			      GError **error)
{
	const char *const map[] = {"anzen.kind", topic_kind_name(kind),    name ? "name" : NULL,
				   name,         format ? "format" : NULL, format,
				   NULL};
	return mcap_writer_channel(mcap, id, schema, topic, schema_text(schema)->message_encoding,
				   map, lane, error);
}

static gboolean declare_signal(SessionWriter *w, RecordedSignal *signal, uint16_t id,
			       GError **error)
{
	g_auto(GStrv) pairs = signal_info_to_pairs(&signal->info);
	g_autofree char *topic = g_strdup_printf("/signals/%s", signal->info.name);
	SchemaId schema = signal->slow ? SCHEMA_SLOW_SAMPLE : SCHEMA_SAMPLE;
	signal->channel = id;
	return mcap_writer_channel(w->file.mcap, id, schema, topic,
				   schema_text(schema)->message_encoding,
				   (const char *const *)pairs, LANE_SIGNALS, error);
}

static gboolean declare_camera(SessionWriter *w, RecordedCamera *camera, uint16_t id,
			       GError **error)
{
	g_autofree char *topic = g_strdup_printf("/frames/%s", camera->name);
	g_autofree char *info_topic = g_strdup_printf("/frames/%s/info", camera->name);
	camera->channel = id;
	camera->info_channel = (uint16_t)(id + 1);
	return declare_plain(w->file.mcap, camera->channel, camera->schema, topic, TOPIC_FRAME,
			     camera->name, camera->format, LANE_FRAMES, error) &&
	       declare_plain(w->file.mcap, camera->info_channel, SCHEMA_FRAME_INFO, info_topic,
			     TOPIC_FRAME_INFO, camera->name, NULL, LANE_SIGNALS, error);
}

static gboolean declare_all(SessionWriter *w, GError **error)
{
	McapWriter *mcap = w->file.mcap;
	uint16_t id = CHANNEL_FIRST;
	if (!declare_schemas(mcap, error) ||
	    !declare_plain(mcap, CHANNEL_EVENTS, SCHEMA_EVENT, "/events", TOPIC_EVENT, NULL, NULL,
			   LANE_SIGNALS, error) ||
	    !declare_plain(mcap, CHANNEL_FAULTS, SCHEMA_FAULT, "/faults", TOPIC_FAULT, NULL, NULL,
			   LANE_SIGNALS, error))
		return FALSE;
	for (guint i = 0; i < w->signals->len; i++)
		if (!declare_signal(w, w->signals->pdata[i], id++, error))
			return FALSE;
	for (guint i = 0; i < w->cameras->len; i++, id = (uint16_t)(id + 2))
		if (!declare_camera(w, w->cameras->pdata[i], id, error))
			return FALSE;
	return TRUE;
}

static gboolean write_meta(SessionWriter *w, GError **error)
{
	g_autoptr(GPtrArray) pairs = g_ptr_array_new();
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(w->meta), (GCompareFunc)strcmp);
	for (GList *key = keys; key; key = key->next) {
		g_ptr_array_add(pairs, key->data);
		g_ptr_array_add(pairs, g_hash_table_lookup(w->meta, key->data));
	}
	g_ptr_array_add(pairs, NULL);
	return mcap_writer_metadata(w->file.mcap, META_METADATA, (const char *const *)pairs->pdata,
				    error);
}

/* The head of the file is on the medium before the first sample is. */
gboolean session_writer_start(SessionWriter *w, GError **error)
{
	g_assert(!w->started);
	g_autoptr(GError) local = NULL;
	if (!refuse_failed(w, error))
		return FALSE;
	if (!write_meta(w, &local) || !declare_all(w, &local) ||
	    !chained_file_flush(&w->file, LANE_SIGNALS, &local) ||
	    (w->sink.sync && !w->sink.sync(w->sink.self, &local))) {
		recorder_fail(w, local);
		return refuse_failed(w, error);
	}
	int64_t now = clock_now(w->clock);
	for (unsigned i = 0; i < w->n_producers; i++)
		w->producers[i]->polled_ns = now;
	w->started = true;
	if (w->inline_writer)
		return TRUE;
	if (pthread_create(&w->writer_thread, NULL, writer, w) ||
	    pthread_create(&w->syncer_thread, NULL, syncer, w))
		g_error("cannot create a thread");
	return TRUE;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void stop_threads(SessionWriter *w)
{
	if (!w->started || w->inline_writer || atomic_exchange(&w->stop, true))
		return;
	pthread_join(w->writer_thread, NULL);
	pthread_mutex_lock(&w->lock);
	w->sync_stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->syncer_thread, NULL);
}

static gboolean write_end(SessionWriter *w, const char *incomplete_why, GError **error)
{
	int64_t mono, uncertainty, utc = clock_utc(w->clock, &mono, &uncertainty);
	char numbers[8][24];
	const uint64_t values[8] = {atomic_load(&w->samples),
				    atomic_load(&w->events),
				    atomic_load(&w->frames),
				    atomic_load(&w->faults),
				    atomic_load(&w->lost),
				    (uint64_t)mono,
				    (uint64_t)utc,
				    (uint64_t)uncertainty};
	for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
		g_snprintf(numbers[i], sizeof(numbers[i]), "%" G_GUINT64_FORMAT, values[i]);
	const char *const map[] = {"complete",
				   incomplete_why ? "false" : "true",
				   "why",
				   incomplete_why ? incomplete_why : "",
				   "samples",
				   numbers[0],
				   "events",
				   numbers[1],
				   "frames",
				   numbers[2],
				   "faults",
				   numbers[3],
				   "lost",
				   numbers[4],
				   "clock.mono_ns",
				   numbers[5],
				   "clock.utc_ns",
				   numbers[6],
				   "clock.uncertainty_ns",
				   numbers[7],
				   NULL};
	for (unsigned lane = 0; lane < LANE_COUNT; lane++)
		if (!drain_flush(w, lane, error))
			return FALSE;
	/* Identity and meta a second time: damage to the first ones does not cost the session. */
	return mcap_writer_metadata(w->file.mcap, SESSION_METADATA,
				    (const char *const *)w->identity, error) &&
	       write_meta(w, error) && mcap_writer_metadata(w->file.mcap, END_METADATA, map, error);
}

gboolean session_writer_finish(SessionWriter *w, const char *incomplete_why, char **ret_sha256,
			       GError **error)
{
	g_assert(w->started && !w->finished);
	g_autoptr(GError) local = NULL;
	stop_threads(w);
	w->finished = true;
	if (!refuse_failed(w, error))
		return FALSE;
	if (!drain_all(w, &local) || !write_end(w, incomplete_why, &local) ||
	    !chained_file_finish(&w->file, ret_sha256, &local)) {
		recorder_fail(w, local);
		return refuse_failed(w, error);
	}
	for (unsigned i = 0; i < w->n_producers; i++)
		atomic_store(&w->producers[i]->events_synced, w->producers[i]->events_popped);
	mcap_sink_close(&w->own_sink);
	return TRUE;
}

void session_writer_stats(const SessionWriter *w, SessionStats *ret)
{
	*ret = (SessionStats){.samples = atomic_load(&w->samples),
			      .events = atomic_load(&w->events),
			      .frames = atomic_load(&w->frames),
			      .faults = atomic_load(&w->faults),
			      .lost = atomic_load(&w->lost),
			      .bytes = mcap_writer_offset(w->file.mcap),
			      .chunks = mcap_writer_chunks(w->file.mcap),
			      .syncs = w->syncs,
			      .worst_sync_ns = w->worst_sync_ns,
			      .worst_write_ns = w->file.worst_write_ns};
}

void session_writer_free(SessionWriter *w)
{
	if (!w)
		return;
	stop_threads(w);
	for (unsigned i = 0; i < w->n_producers; i++)
		producer_free(w->producers[i]);
	chained_file_clear(&w->file);
	mcap_sink_close(&w->own_sink);
	g_strfreev(w->identity);
	g_hash_table_unref(w->meta);
	g_hash_table_unref(w->attachments);
	g_ptr_array_unref(w->signals);
	g_ptr_array_unref(w->cameras);
	g_hash_table_unref(w->signal_ids);
	g_hash_table_unref(w->camera_ids);
	g_string_free(w->json, TRUE);
	cdr_clear(&w->cdr);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	g_free(atomic_load(&w->failed));
	g_free(w);
}
