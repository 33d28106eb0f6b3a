/* Cameras through media: frames go to the Stream as they come; a copy of each reference is decoded on the link thread, to
 * see whether the camera still shows anything new (faults.md: N equal pictures, black, age, gaps in time). */
#include "internal.h"

#include <anzen/media.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE 64
#define SILENT_NS CLOCK_S /* without a frame for so long: a fault */
#define CONNECT_NS (8 * CLOCK_S)
/* A frozen picture that is coded anew is not bit for bit the same: the coder refines it after each key frame and then lets it
 * creep. Measured with x264 ultrafast at 640x360@30: frozen, no pixel moves by more than 2 steps for 15 to 22 pictures
 * between two refinements (8 pictures after a key frame); live, at 2, 10, 50, 150, 300 and 440 lx, some pixel moved by
 * 3 steps or more in each of 60 pictures. */
#define STILL_STEP 2
#define STILL_PICTURES 12
/* It can have frozen a key-frame interval and a refinement before the first run of still pictures began. */
#define STILL_BEFORE_NS (1500 * CLOCK_MS)
/* The refinement after a key frame moves pixels by up to 15 steps: more is a new picture for sure. */
#define ALIVE_STEP 20
#define PICTURES_EACH_TURN 4 /* decoding 640x360 takes about 1 ms */

enum { CH_FRAME, CH_AGE, CH_FROZEN, CH_BLACK, CH_COUNT };

typedef struct {
	Stream sink; /* first: media gives it back */
	DeviceHost *host;
	Clock *clock;
	char *link;
	MediaClient *client;
	MediaDecoder *decoder;
	MediaWatch watch;
	Ring *queue; /* Frame with a reference, GStreamer's thread → link thread */
	atomic_llong last_receipt_ns;
	atomic_bool ended;
	pthread_mutex_t lock;
	char *end_cause;  /* under lock */
	GByteArray *last; /* pixels of the picture before */
	unsigned still,
		moving; /* pictures in a row that moved by at most, or by more than STILL_STEP */
	int64_t still_since_ns, alive_ns;
	bool frozen, black, silent, undecodable;
	int64_t last_told_ns; /* capture time of the last age sample */
	uint64_t next_sequence;
	bool have_sequence;
	uint64_t dropped;
} Camera;

/* ---- GStreamer's thread ---- */

static void on_frame(Stream *sink, const char *source, const Frame *frame)
{
	Camera *self = (Camera *)sink;
	(void)source;
	atomic_store(&self->last_receipt_ns, frame->receipt_ns);
	device_host_frame(self->host, CH_FRAME, frame);
	Frame kept = *frame;
	if (kept.ref)
		kept.ref(kept.owner);
	if (!ring_push(self->queue, &kept) && kept.unref)
		kept.unref(kept.owner);
}

static void on_fault(Stream *sink, const Fault *fault)
{
	Camera *self = (Camera *)sink;
	pthread_mutex_lock(&self->lock);
	if (!self->end_cause)
		self->end_cause = g_strdup(fault->cause);
	pthread_mutex_unlock(&self->lock);
	atomic_store(&self->ended, true);
}

/* ---- opening ---- */

static int64_t period_of(const char *format)
{
	int width, height, fps;
	if (!format || sscanf(format, "%dx%d@%d", &width, &height, &fps) != 3 || fps < 1)
		return CLOCK_S / 30;
	return CLOCK_S / fps;
}

static void add_channels(DeviceHost *host, const char *format)
{
	int64_t period = period_of(format);
	DeviceChannel frame = {.name = "frame",
			       .unit = "frame",
			       .safe = (double)NAN,
			       .frames = true,
			       .period_ns = period};
	DeviceChannel age = {.name = "age",
			     .unit = "s",
			     .lo = -1,
			     .hi = 60,
			     .safe = (double)NAN,
			     .readable = true};
	DeviceChannel frozen = {.name = "frozen",
				.unit = "1",
				.lo = 0,
				.hi = 1,
				.safe = (double)NAN,
				.readable = true,
				.boolean = true};
	DeviceChannel black = frozen;
	age.period_ns = frozen.period_ns = period;
	g_strlcpy(black.name, "black", sizeof black.name);
	black.period_ns = period;
	device_host_add_channel(host, &frame);
	device_host_add_channel(host, &age);
	device_host_add_channel(host, &frozen);
	device_host_add_channel(host, &black);
}

static void drop_queue(Camera *self)
{
	Frame frame;
	while (ring_pop(self->queue, &frame))
		if (frame.unref)
			frame.unref(frame.owner);
}

static void camera_close(void *user)
{
	Camera *self = user;
	media_client_close(self->client); /* after this nobody calls on_frame */
	media_decoder_free(self->decoder);
	drop_queue(self);
	ring_free(self->queue);
	pthread_mutex_destroy(&self->lock);
	g_byte_array_unref(self->last);
	g_free(self->end_cause);
	g_free(self->link);
	g_free(self);
}

static void *camera_open(DeviceHost *host, const DeviceConfig *config, GError **error)
{
	Camera *self = g_new0(Camera, 1);
	self->sink = (Stream){.frame = on_frame, .fault = on_fault};
	self->host = host;
	self->clock = device_host_clock(host);
	self->link = g_strdup(config->link ? config->link : "");
	self->queue = ring_new(sizeof(Frame), QUEUE);
	pthread_mutex_init(&self->lock, NULL);
	self->last = g_byte_array_new();
	add_channels(host, config->format);
	MediaClientOptions options = {
		.source = config->name, .format = config->format, .connect_ns = CONNECT_NS};
	self->decoder = media_decoder_new("gray8", error);
	if (self->decoder)
		self->client =
			media_client_open(self->link, &options, &self->sink, self->clock, error);
	if (!self->client) {
		camera_close(self);
		return NULL;
	}
	device_host_identify(host, "camera %s %s", self->link,
			     config->format ? config->format : "");
	return self;
}

/* ---- watching, on the link thread ---- */

/* Greatest difference between this picture and the one before, in steps of 8 bits; 255 for the first. */
static int compare(Camera *self, const Frame *picture)
{
	int most = 0;
	bool comparable = self->last->len == picture->size;
	for (size_t i = 0; comparable && i < picture->size; i++)
		most = MAX(most, abs(self->last->data[i] - picture->data[i]));
	g_byte_array_set_size(self->last, (guint)picture->size);
	memcpy(self->last->data, picture->data, picture->size);
	return comparable ? most : 255;
}

static void watch_still(Camera *self, const Frame *picture)
{
	int most = compare(self, picture);
	if (most > ALIVE_STEP)
		self->alive_ns = picture->capture_ns;
	if (most > STILL_STEP) {
		self->still = 0;
		self->still_since_ns = picture->capture_ns;
		self->moving++;
	} else {
		self->still++;
		self->moving = 0;
	}
	/* Frozen it stays until pictures move for longer than a refinement does. */
	bool frozen = self->frozen ? self->moving < STILL_PICTURES : self->still >= STILL_PICTURES;
	/* The fault begins where it can have begun at the earliest, never before a picture that was new for sure. */
	int64_t from = MAX(self->alive_ns, self->still_since_ns - STILL_BEFORE_NS);
	if (frozen && !self->frozen)
		device_host_fault(self->host, CH_FRAME, from, CLOCK_NEVER,
				  "%s froze: it stopped at most %.2f s before the first of %u "
				  "pictures without anything new",
				  device_host_name(self->host),
				  (double)(self->still_since_ns - from) * 1e-9, self->still + 1);
	self->frozen = frozen;
}

static void watch_black(Camera *self, const Frame *unit, const Frame *picture)
{
	media_watch_feed(&self->watch, picture);
	if (self->watch.black && !self->black)
		device_host_fault(self->host, CH_FRAME, unit->capture_ns, CLOCK_NEVER,
				  "%s is black: is its lens covered?",
				  device_host_name(self->host));
	self->black = self->watch.black;
}

static void watch_sequence(Camera *self, const Frame *unit)
{
	if (self->have_sequence && unit->sequence > self->next_sequence) {
		g_autofree char *json = g_strdup_printf("{\"lost\":%" G_GUINT64_FORMAT "}",
							unit->sequence - self->next_sequence);
		device_host_event(self->host, "frames-lost", unit->receipt_ns, json);
	}
	self->have_sequence = true;
	self->next_sequence = unit->sequence + 1;
}

static void look_at(Camera *self, const Frame *unit)
{
	g_auto(Frame) picture = {0};
	g_autoptr(GError) error = NULL;
	watch_sequence(self, unit);
	if (media_decoder_decode(self->decoder, unit, &picture, &error)) {
		watch_black(self, unit, &picture);
		watch_still(self, &picture);
		self->undecodable = false;
	} else if (error && !self->undecodable) {
		self->undecodable = true;
		device_host_fault(self->host, CH_FRAME, unit->capture_ns, unit->capture_ns,
				  "%s sends what cannot be decoded: %s",
				  device_host_name(self->host), error->message);
	}
	/* Health signals need rising times; a camera that repeats an old frame repeats its time. */
	if (unit->capture_ns <= self->last_told_ns)
		return;
	self->last_told_ns = unit->capture_ns;
	device_host_sample(self->host, CH_AGE, unit->capture_ns,
			   (double)(unit->receipt_ns - unit->capture_ns) / 1e9, SAMPLE_OK);
	device_host_sample(self->host, CH_FROZEN, unit->capture_ns, self->frozen, SAMPLE_OK);
	device_host_sample(self->host, CH_BLACK, unit->capture_ns, self->black, SAMPLE_OK);
}

static void watch_silence(Camera *self, int64_t now_ns)
{
	int64_t last = (int64_t)atomic_load(&self->last_receipt_ns);
	bool silent = last && now_ns - last > SILENT_NS;
	if (silent && !self->silent)
		device_host_fault(self->host, CH_FRAME, last, CLOCK_NEVER,
				  "%s: no frame for %.1f s on %s", device_host_name(self->host),
				  (double)(now_ns - last) / 1e9, self->link);
	self->silent = silent;
}

static int64_t camera_poll(void *user, int64_t now_ns)
{
	Camera *self = user;
	Frame unit;
	for (int i = 0; i < PICTURES_EACH_TURN && ring_pop(self->queue, &unit); i++) {
		look_at(self, &unit);
		if (unit.unref)
			unit.unref(unit.owner);
	}
	if (ring_lost(self->queue) > self->dropped) {
		/* The bench could not keep up with looking: it does not know whether the camera froze. */
		self->dropped = ring_lost(self->queue);
		self->still = 0;
	}
	if (atomic_load(&self->ended)) {
		pthread_mutex_lock(&self->lock);
		device_host_lost(self->host, "%s: %s", device_host_name(self->host),
				 self->end_cause);
		pthread_mutex_unlock(&self->lock);
		return CLOCK_NEVER;
	}
	watch_silence(self, now_ns);
	return now_ns + 10 * CLOCK_MS;
}

/* ---- the other verbs ---- */

static gboolean camera_start(void *user, GError **error)
{
	Camera *self = user;
	(void)error;
	/* Frames from before the run are not looked at, and the decoder waits for the next key frame by itself. */
	drop_queue(self);
	self->watch = (MediaWatch){0};
	self->still = self->moving = 0;
	self->alive_ns = 0;
	g_byte_array_set_size(self->last, 0);
	self->have_sequence = self->frozen = self->black = self->silent = false;
	self->dropped = ring_lost(self->queue);
	return TRUE;
}

static void camera_stop(void *user)
{
	(void)user;
}

static gboolean camera_make_safe(void *user, int64_t deadline_ns, GError **error)
{
	(void)user;
	(void)deadline_ns;
	(void)error;
	return TRUE; /* nothing of it moves */
}

static void camera_command(void *user, const DeviceCommand *command)
{
	Camera *self = user;
	device_host_reply(self->host, command, DEVICE_REFUSED, clock_now(self->clock), 0,
			  "a camera takes no commands");
}

static void camera_preflight(void *user, GPtrArray *items, int64_t deadline_ns)
{
	Camera *self = user;
	(void)deadline_ns;
	g_autofree char *name =
		g_strdup_printf("%s: pictures arrive", device_host_name(self->host));
	int64_t last = (int64_t)atomic_load(&self->last_receipt_ns);
	int64_t since = clock_now(self->clock) - last;
	g_ptr_array_add(items,
			device_item_new(!atomic_load(&self->ended) && since < SILENT_NS, name,
					"%s: no frame for %.1f s; check its power and cable",
					self->link, (double)since / 1e9));
	g_autofree char *alive =
		g_strdup_printf("%s: pictures change", device_host_name(self->host));
	g_ptr_array_add(
		items,
		device_item_new(!self->frozen, alive,
				"it repeats the same picture; switch the camera off and on"));
	g_autofree char *lit =
		g_strdup_printf("%s: pictures are not black", device_host_name(self->host));
	g_ptr_array_add(items, device_item_new(!self->black, lit,
					       "take the cover off the lens, switch the light on"));
}

const DeviceOps camera_device_ops = {.open = camera_open,
				     .close = camera_close,
				     .make_safe = camera_make_safe,
				     .command = camera_command,
				     .start = camera_start,
				     .stop = camera_stop,
				     .poll = camera_poll,
				     .preflight = camera_preflight};
