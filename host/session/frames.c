/* Pictures: paired with what the bench knows of them, and read from the file when they are asked for. */
#include "loader.h"

void loader_camera_free(void *pointer)
{
	Camera *camera = pointer;
	g_free(camera->public.name);
	g_free(camera->public.format);
	g_array_unref(camera->frames);
	g_array_unref(camera->infos);
	g_free(camera);
}

static gint frame_by_sequence(gconstpointer a, gconstpointer b)
{
	const FramePlace *x = a, *y = b;
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static gint frame_by_capture(gconstpointer a, gconstpointer b)
{
	const FramePlace *x = a, *y = b;
	if (x->capture_ns != y->capture_ns)
		return x->capture_ns < y->capture_ns ? -1 : 1;
	return frame_by_sequence(a, b);
}

void loader_pair_frames(Camera *camera)
{
	guint k = 0;
	g_array_sort(camera->frames, frame_by_sequence);
	g_array_sort(camera->infos, frame_by_sequence);
	for (guint i = 0; i < camera->frames->len; i++) {
		FramePlace *frame = &g_array_index(camera->frames, FramePlace, i);
		while (k < camera->infos->len &&
		       g_array_index(camera->infos, FramePlace, k).sequence < frame->sequence)
			k++;
		if (k == camera->infos->len)
			break;
		const FramePlace *info = &g_array_index(camera->infos, FramePlace, k);
		if (info->sequence != frame->sequence)
			continue;
		frame->number = info->number;
		frame->capture_u_ns = info->capture_u_ns;
		frame->width = info->width;
		frame->height = info->height;
		frame->key = info->key;
		frame->informed = true;
	}
	g_array_sort(camera->frames, frame_by_capture);
	camera->public.frames = camera->frames->len;
	if (camera->frames->len > 0) {
		camera->public.first_ns = g_array_index(camera->frames, FramePlace, 0).capture_ns;
		camera->public.last_ns =
			g_array_index(camera->frames, FramePlace, camera->frames->len - 1)
				.capture_ns;
	}
}

/* ---- frames ---------------------------------------------------------------------------------- */

size_t session_reader_cameras(const SessionReader *r)
{
	return r->cameras->len;
}

const SessionCamera *session_reader_camera(const SessionReader *r, size_t i)
{
	return &((const Camera *)r->cameras->pdata[i])->public;
}

static gboolean load_chunk(SessionReader *r, uint64_t offset, GError **error)
{
	uint8_t head[MCAP_RECORD_HEAD];
	if (r->chunk && r->chunk_offset == offset)
		return TRUE;
	g_clear_pointer(&r->chunk, g_byte_array_unref);
	if (!r->source.read(r->source.self, offset, head, sizeof(head), error))
		return FALSE;
	uint64_t length;
	memcpy(&length, head + 1, sizeof(length));
	length = GUINT64_FROM_LE(length);
	McapRecord record = {.offset = offset};
	if (length > r->source.size)
		return loader_corrupt(error, &record,
				      "the file changed while the session was open");
	g_autofree uint8_t *raw = g_malloc(MCAP_RECORD_HEAD + (size_t)length);
	if (!r->source.read(r->source.self, offset, raw, MCAP_RECORD_HEAD + (size_t)length,
			    error) ||
	    !mcap_record_parse(raw, MCAP_RECORD_HEAD + (size_t)length, offset, &record, error))
		return FALSE;
	if (record.opcode != MCAP_CHUNK)
		return loader_corrupt(error, &record,
				      "the file changed while the session was open");
	r->chunk = mcap_chunk_open(&record.chunk, offset, 0, NULL, error);
	r->chunk_offset = offset;
	return r->chunk != NULL;
}

/* The message's payload; borrowed from the chunk that is open. */
static gboolean load_message(SessionReader *r, const FramePlace *place, McapMessage *ret,
			     GError **error)
{
	McapRecord record = {.offset = place->chunk};
	if (!place->in_chunk)
		return loader_corrupt(error, &record, "a frame outside chunks");
	if (!load_chunk(r, place->chunk, error))
		return FALSE;
	uint64_t length, left = r->chunk->len > place->place ? r->chunk->len - place->place : 0;
	if (left < MCAP_RECORD_HEAD)
		return loader_corrupt(error, &record,
				      "the file changed while the session was open");
	memcpy(&length, r->chunk->data + place->place + 1, sizeof(length));
	length = GUINT64_FROM_LE(length);
	if (length > left - MCAP_RECORD_HEAD ||
	    !mcap_record_parse(r->chunk->data + place->place, MCAP_RECORD_HEAD + (size_t)length,
			       place->chunk, &record, NULL) ||
	    record.opcode != MCAP_MESSAGE)
		return loader_corrupt(error, &record,
				      "the file changed while the session was open");
	*ret = record.message;
	return TRUE;
}

/* Annex B: is there a NAL unit of type 5 (instantaneous decoder refresh)? ITU-T H.264, 7.4.1. */
bool loader_has_idr(McapBytes data)
{
	for (size_t i = 0; i + 3 < data.size; i++)
		if (data.data[i] == 0 && data.data[i + 1] == 0 && data.data[i + 2] == 1 &&
		    (data.data[i + 3] & 0x1f) == 5)
			return true;
	return false;
}

static gboolean decode_frame(const Camera *camera, const FramePlace *place, McapBytes bytes,
			     Frame *ret, GError **error)
{
	CdrReader c = cdr_reader(bytes);
	McapBytes data;
	int64_t capture = cdr_time(&c);
	int32_t width = place->width, height = place->height;
	cdr_string(&c);
	if (camera->schema == SCHEMA_RAW_IMAGE) {
		width = (int32_t)cdr_u32(&c);
		height = (int32_t)cdr_u32(&c);
		cdr_string(&c);
		cdr_u32(&c);
		data = cdr_bytes(&c);
	} else {
		data = cdr_bytes(&c);
		cdr_string(&c);
	}
	McapRecord record = {.offset = place->chunk};
	if (c.bad || capture != place->capture_ns)
		return loader_corrupt(error, &record, "a frame that does not fit its schema");
	*ret = (Frame){.data = data.data,
		       .size = data.size,
		       .format = camera->public.format,
		       .width = width,
		       .height = height,
		       .capture_ns = place->capture_ns,
		       .capture_u_ns = place->capture_u_ns,
		       .receipt_ns = place->receipt_ns,
		       .sequence = place->number,
		       .key = place->informed
				      ? place->key
				      : camera->schema != SCHEMA_VIDEO || loader_has_idr(data)};
	return TRUE;
}

gboolean session_reader_frames(SessionReader *r, const char *name, int64_t from_ns, int64_t to_ns,
			       SessionFrameFunc func, void *data, GError **error)
{
	const Camera *camera = NULL;
	for (guint i = 0; i < r->cameras->len; i++)
		if (!strcmp(((Camera *)r->cameras->pdata[i])->public.name, name))
			camera = r->cameras->pdata[i];
	if (!camera) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "%s: has no camera '%s'",
			    r->source.name, name);
		return FALSE;
	}
	for (guint i = 0; i < camera->frames->len; i++) {
		const FramePlace *place = &g_array_index(camera->frames, FramePlace, i);
		McapMessage message;
		Frame frame;
		if (place->capture_ns < from_ns)
			continue;
		if (to_ns != 0 && place->capture_ns >= to_ns)
			break;
		if (!load_message(r, place, &message, error) ||
		    !decode_frame(camera, place, message.data, &frame, error))
			return FALSE;
		if (!func(&frame, data))
			return TRUE;
	}
	return TRUE;
}
