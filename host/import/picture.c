/* Messages that are pictures: Foxglove's CompressedVideo, CompressedImage and RawImage, ROS's CompressedImage and Image. The
 * bytes are kept as they are; what they are is read from their first bytes, not from what the message calls them. */
#include "intake.h"

static const char *last_word(const char *type)
{
	const char *slash = strrchr(type, '/'), *dot = strrchr(type, '.');
	const char *last = slash > dot ? slash : dot;
	return last ? last + 1 : type;
}

bool picture_type(const char *type)
{
	static const char *const types[] = {"CompressedVideo", "CompressedImage", "RawImage",
					    "Image", NULL};
	return g_strv_contains(types, last_word(type));
}

/* Annex B: the next NAL unit's first byte at or after *at; NULL at the end. */
static const uint8_t *next_unit(const uint8_t **at, const uint8_t *end)
{
	for (const uint8_t *p = *at; end - p >= 4; p++)
		if (p[0] == 0 && p[1] == 0 && p[2] == 1) {
			*at = p + 3;
			return p + 3;
		}
	return NULL;
}

/* Types of NAL units: ITU-T H.264 table 7-1, H.265 table 7-1. */
static const char *video_format(const IntakePicture *picture, Frame *ret, const char **why)
{
	const uint8_t *at = picture->data->data, *end, *unit;
	bool h265 = !g_ascii_strncasecmp(picture->format->str, "h265", 4) ||
		    !g_ascii_strncasecmp(picture->format->str, "hevc", 4);
	if (!h265 && g_ascii_strncasecmp(picture->format->str, "h264", 4) != 0) {
		*why = "video that is neither h264 nor h265: a session keeps no other";
		return NULL;
	}
	if (picture->data->len < 5 || at[0] || at[1] || (at[2] != 1 && (at[2] || at[3] != 1))) {
		*why = "video that is not in Annex B form (no start code): convert it";
		return NULL;
	}
	end = at + picture->data->len;
	while ((unit = next_unit(&at, end)))
		ret->key |= h265 ? (*unit >> 1 & 0x3f) >= 16 && (*unit >> 1 & 0x3f) <= 21
				 : (*unit & 0x1f) == 5;
	return h265 ? "h265" : "h264";
}

/* Width and height from the frame header (ITU-T T.81, B.2.2). */
static void jpeg_size(const uint8_t *data, size_t size, Frame *ret)
{
	for (size_t i = 2; i + 9 < size && data[i] == 0xff;) {
		uint8_t marker = data[i + 1];
		bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
			     marker != 0xcc;
		if (frame) {
			ret->height = data[i + 5] << 8 | data[i + 6];
			ret->width = data[i + 7] << 8 | data[i + 8];
			return;
		}
		i += 2 + (size_t)(data[i + 2] << 8 | data[i + 3]);
	}
}

static const char *image_format(const IntakePicture *picture, Frame *ret, const char **why)
{
	const uint8_t *data = picture->data->data;
	if (picture->data->len < 4 || data[0] != 0xff || data[1] != 0xd8) {
		*why = "a compressed image that is no JPEG: a session keeps no other";
		return NULL;
	}
	ret->key = true;
	jpeg_size(data, picture->data->len, ret);
	return "jpeg";
}

static const char *raw_format(IntakePicture *picture, Frame *ret, const char **why)
{
	const char *encoding = picture->format->str;
	bool gray = !strcmp(encoding, "mono8") || !strcmp(encoding, "8UC1");
	uint64_t width = (uint64_t)MAX(picture->width, 0),
		 height = (uint64_t)MAX(picture->height, 0);
	if (!gray) {
		*why = "a raw image that is not mono8: record it compressed (JPEG or H.264)";
		return NULL;
	}
	if (width * height == 0 || width > 65535 || height > 65535 ||
	    (uint64_t)picture->step < width ||
	    (uint64_t)picture->step * height > picture->data->len) {
		*why = "a raw image whose data do not fit its size";
		return NULL;
	}
	for (uint64_t y = 1; y < height && (uint64_t)picture->step != width; y++)
		memmove(picture->data->data + y * width,
			picture->data->data + y * (uint64_t)picture->step, width);
	ret->size = width * height;
	ret->width = (int)width;
	ret->height = (int)height;
	ret->key = true;
	return "gray8";
}

const char *picture_format(const char *type, IntakePicture *picture, Frame *ret, const char **why)
{
	const char *last = last_word(type);
	if (!strcmp(last, "CompressedVideo"))
		return video_format(picture, ret, why);
	if (!strcmp(last, "CompressedImage"))
		return image_format(picture, ret, why);
	return raw_format(picture, ret, why);
}

static IntakeCamera *camera_of(Intake *in, IntakeTopic *topic)
{
	if (topic->camera)
		return topic->camera;
	IntakeCamera *camera = topic->camera = g_new0(IntakeCamera, 1);
	camera->name =
		intake_free_name(in, in->options->camera ? in->options->camera : topic->base);
	camera->writer_id = -1;
	g_ptr_array_add(in->cameras, camera);
	return camera;
}

/* The second reading: into the session. */
static void write_frame(Intake *in, const IntakeCamera *camera, Frame *frame)
{
	frame->sequence = camera->frames;
	if (in->frame_error || camera->writer_id < 0)
		return;
	if (!session_frame(in->producer, camera->writer_id, frame))
		g_set_error(&in->frame_error, ANZEN_ERROR, ANZEN_ERROR_IO,
			    "%s: picture %" G_GUINT64_FORMAT " does not fit into the session",
			    camera->name, camera->frames);
	else
		session_writer_pump(in->writer, &in->frame_error);
}

void intake_frame(Intake *in, IntakeTopic *topic, Frame *frame, const IntakePlace *place)
{
	IntakeCamera *camera = camera_of(in, topic);
	if (in->frames_pass) {
		if (!strcmp(camera->format, frame->format)) {
			write_frame(in, camera, frame);
			camera->frames++;
		}
		return;
	}
	if (!camera->format)
		camera->format = frame->format;
	if (strcmp(camera->format, frame->format) != 0) {
		intake_count(topic->reasons, "a picture of another format than its camera's first",
			     1, place);
		return;
	}
	if (camera->frames > 0 && frame->capture_ns <= camera->last_ns)
		intake_count(topic->losses,
			     "pictures that are not later than the one before them: a replay plays "
			     "them in the order of their times",
			     1, place);
	if (camera->frames++ == 0)
		camera->first_ns = frame->capture_ns;
	camera->first_ns = MIN(camera->first_ns, frame->capture_ns);
	camera->last_ns = MAX(camera->last_ns, frame->capture_ns);
	topic->taken++;
	in->taken++;
}
