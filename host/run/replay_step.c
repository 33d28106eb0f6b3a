/* A replay in lock-step: time is the recording's, and stands still while the product thinks. */
#include "replay.h"

#include <anzen/media.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DECISION_NS (33 * CLOCK_MS) /* as in a lock-step run; and at each picture */
#define TELL_NS (500 * CLOCK_MS)

/* ---- pictures: products in lock-step see the luma, cut to what they are to look at ------------------------------- */

static MediaDecoder *decoder_of(Replay *r, const char *role)
{
	MediaDecoder *decoder = g_hash_table_lookup(r->decoders, role);
	if (!decoder && (decoder = media_decoder_new("i420", NULL)))
		g_hash_table_insert(r->decoders, g_strdup(role), decoder);
	return decoder;
}

/* Caller frees the pixels; NULL: the whole picture is wanted, or the crop lies outside it. */
static uint8_t *cropped(const Frame *grey, const char *crop, int *ret_w, int *ret_h)
{
	int w, h, x, y, end = 0;
	if (!crop || sscanf(crop, "%dx%d+%d+%d%n", &w, &h, &x, &y, &end) != 4 || crop[end] ||
	    w <= 0 || h <= 0 || x < 0 || y < 0 || w > grey->width - x || h > grey->height - y)
		return NULL;
	uint8_t *pixels = g_malloc((gsize)w * (gsize)h);
	for (int row = 0; row < h; row++)
		memcpy(pixels + (size_t)row * (size_t)w,
		       grey->data + (size_t)(y + row) * (size_t)grey->width + x, (size_t)w);
	*ret_w = w;
	*ret_h = h;
	return pixels;
}

void replay_feed_grey(Replay *r, const char *role, const Frame *unit)
{
	const ProductFeed *feed = product_link_feed(r->link);
	MediaDecoder *decoder = decoder_of(r, role);
	g_autoptr(GError) error = NULL;
	g_auto(Frame) picture = {0};
	if (!decoder || !media_decoder_decode(decoder, unit, &picture, &error)) {
		if (error && !r->blamed)
			replay_blame(r, clock_now(r->clock), error->message, BLAME_BENCH);
		r->blamed = r->blamed || error;
		return;
	}
	/* The first plane as it was recorded: a conversion to grey would stretch video's 16..235 to 0..255. */
	Frame shown = picture;
	shown.format = "gray8";
	g_autofree uint8_t *part = cropped(&picture, replay_crop(r), &shown.width, &shown.height);
	if (part)
		shown.data = part;
	shown.size = (size_t)shown.width * (size_t)shown.height;
	feed->frame(feed->user, role, &shown);
}

/* ---- time ---------------------------------------------------------------------------------------------------------- */

/* The product decides at `now`, with everything given until then. */
static bool decide(Replay *r, int64_t now)
{
	clock_manual_set(r->clock, now);
	bool answers = product_link_exchange(r->link, now);
	session_writer_pump(r->writer, NULL); /* a failure is sticky: session_writer_failed() */
	return answers;
}

static gboolean say_hello(Replay *r, GError **error)
{
	int64_t now = clock_now(r->clock);
	for (int64_t until = now + HOLD_AFTER_READY_NS; now < until; now += HOLD_PERIOD_NS) {
		replay_hold(r, now);
		if (decide(r, now))
			continue;
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "%s: the product gave no answer in lock-step: either it has none (then "
			    "replay it without --rate answer and --step), or see product.log",
			    r->product->path);
		return FALSE;
	}
	return TRUE;
}

/* Ask whoever steps; false: stop. `left` counts decisions that go by unasked, -1: all. */
static bool may_step(Replay *r, int64_t now, int64_t *left)
{
	if (!r->config->step || *left < 0)
		return true;
	if (*left > 0) {
		--*left;
		return true;
	}
	double t_s = (double)(now - replay_bench_time(r, r->tape->from_ns)) * 1e-9;
	int64_t more = r->config->step(r->config->step_user, t_s);
	*left = more > 0 ? more - 1 : more;
	return more != 0;
}

static bool go_on(Replay *r, int64_t now, int64_t *told)
{
	if (now - *told < TELL_NS)
		return true;
	*told = now;
	product_link_watch(r->link);
	return replay_tell(r, "Live", "replay",
			   (double)(now - replay_bench_time(r, r->tape->from_ns)) * 1e-9);
}

/* The next moment at which the product decides: a picture, or the end of a decision period. */
static int64_t next_decision(const Replay *r, guint i, int64_t period_ns, int64_t end)
{
	int64_t next = MIN(period_ns, end);
	for (; i < r->tape->items->len; i++) {
		const TapeItem *item = &g_array_index(r->tape->items, TapeItem, i);
		int64_t due = replay_bench_time(r, item->t_ns);
		if (due >= next)
			break;
		if (item->kind == TAPE_FRAME)
			return due;
	}
	return next;
}

/* Returns when it ended. */
static int64_t play(Replay *r, int64_t begin)
{
	int64_t end = replay_bench_time(r, r->tape->to_ns), period = begin, now = begin;
	int64_t told = begin, left = 0;
	guint i = 0;
	while (now < end) {
		now = next_decision(r, i, period, end);
		if (now >= period)
			period = now + DECISION_NS;
		if (!go_on(r, now, &told) || !may_step(r, now, &left)) {
			r->incomplete = "stopped by the operator";
			replay_blame(r, clock_now(r->clock), r->incomplete, BLAME_UNKNOWN);
			return MAX(clock_now(r->clock), replay_bench_time(r, r->tape->from_ns) + 1);
		}
		for (; i < r->tape->items->len; i++) {
			const TapeItem *item = &g_array_index(r->tape->items, TapeItem, i);
			int64_t due = replay_bench_time(r, item->t_ns);
			if (due > now)
				break;
			replay_give(r, item, due, due);
		}
		decide(r, now);
	}
	return end;
}

gboolean replay_lockstep(Replay *r, GError **error)
{
	replay_tell(r, "Armed", "waiting for the product", (double)NAN);
	if (!product_link_start(r->link, error) || !say_hello(r, error))
		return FALSE;
	/* The picture that it was shown came out of these: begin again with the key frame. */
	g_hash_table_remove_all(r->decoders);
	int64_t now = clock_now(r->clock) + HOLD_PERIOD_NS;
	clock_manual_set(r->clock, now);
	product_link_begin(r->link, now);
	atomic_store(&r->origin_ns, now + HOLD_PERIOD_NS);
	replay_say(r, "replay.hold", now,
		   "for %.1f s the product was shown the recording's picture of %.3f s, standing "
		   "still; these are not recorded",
		   HOLD_AFTER_READY_NS * 1e-9,
		   (double)(r->tape->first_ns - r->tape->recording->start_ns) * 1e-9);
	tee_bench(r->tee)->event(tee_bench(r->tee), "run.start",
				 replay_bench_time(r, r->tape->from_ns), NULL);
	int64_t end = play(r, atomic_load(&r->origin_ns));
	for (int64_t t = clock_now(r->clock), last = t + TAIL_NS; t < last;)
		decide(r, t += DECISION_NS);
	replay_end(r, end);
	session_writer_pump(r->writer, NULL);
	product_link_end(r->link);
	return TRUE;
}
