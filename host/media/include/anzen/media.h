/* media (floor 2): every GStreamer call of the host.
 *
 * Pictures move as model.h `Frame`. Formats: "h264" (Annex B, one access unit a frame, SPS/PPS in
 * every key frame, no B-frames), "gray8", "i420", "rgb" (3 bytes a pixel), "jpeg", "png". Rows are
 * tightly packed (stride = width times bytes a pixel; i420 is the three planes one after the other,
 * width and height even).
 *
 * Time is CLOCK_MONOTONIC in ns, carried exactly from server to client in the RTP header extension
 * urn:ietf:params:rtp-hdrext:ntp-64 (RFC 6051 section 3.3).
 *
 * Threads: MediaServer has one thread of its own for RTSP. MediaClient calls its Stream on
 * GStreamer's streaming threads. Encoder, decoder and stills are synchronous and run wholly on the
 * caller's thread, one caller at a time for each object. Nothing here needs a GMainLoop of the
 * caller.
 */
#ifndef ANZEN_MEDIA_H
#define ANZEN_MEDIA_H

#include <anzen/model.h>

G_BEGIN_DECLS

/* ---- frames ---- */

/* A frame whose bytes are `bytes` (a reference is taken). Everything else is 0: fill in the rest.
 * The caller owns one reference and gives it back with media_frame_clear(). */
void media_frame_from_bytes(Frame *ret_frame, GBytes *bytes, const char *format);
/* Drop the reference that *frame holds and zero it. Takes a zeroed frame. */
void media_frame_clear(Frame *frame);

/* Bytes of a raw picture of this format and size; 0 for an unknown or compressed format or a size
 * that is negative, odd (i420) or larger than 8192 x 8192. */
size_t media_picture_size(const char *format, int width, int height);

/* ---- client: a camera's stream comes in ---- */

typedef struct MediaClient MediaClient;

typedef struct MediaClientOptions {
	const char *source; /* first argument of Stream.frame and Fault.source: the role; copied */
	const char *format; /* "640x360@30"; only for v4l2, NULL: 640x360@30 */
	int64_t connect_ns; /* how long open() waits for the first frame; 0: 5 s */
	int64_t clock_u_ns; /* standard uncertainty of a camera's own wall clock; 0: 50 ms */
} MediaClientOptions;

typedef struct MediaClientStats {
	uint64_t frames;       /* given to the Stream */
	uint64_t without_time; /* of these: no capture time in the stream, receipt time was taken */
	int64_t last_receipt_ns; /* of the last frame; 0: none */
} MediaClientStats;

/* Open `uri`: "rtsp://HOST:PORT/PATH" (over TCP, no jitter buffer) or "v4l2:/dev/videoN" (encoded
 * here). Returns after the first frame has been given to `sink`, so a refused or silent camera is
 * an error here: ANZEN_ERROR_INPUT for an unknown scheme or format, ANZEN_ERROR_TIMEOUT without a
 * frame in connect_ns, else ANZEN_ERROR_BENCH.
 *
 * sink->frame gets h264 frames with a counted `sequence`. capture_u_ns is 0 when the exact
 * CLOCK_MONOTONIC time came along, clock_u_ns for wall-clock NTP (converted through `clock`), and
 * 250 ms when there was none: then capture_ns is the receipt time. sink->fault gets, once, the end
 * of the stream or an error: both are faults of a live link. `sink` must outlive the client. */
MediaClient *media_client_open(const char *uri, const MediaClientOptions *options, Stream *sink,
			       Clock *clock, GError **error);
void media_client_stats(MediaClient *client, MediaClientStats *ret_stats); /* any thread */
/* Stops; after return no callback runs any more. Takes NULL. Must not be called from a callback. */
void media_client_close(MediaClient *client);

/* ---- reader: access units of a recorded file ---- */

typedef struct MediaReader MediaReader;

/* Open the first H.264 track of an MP4/QuickTime file. ANZEN_ERROR_INPUT when there is none. */
MediaReader *media_reader_open(const char *path, GError **error);
/* The first video track of an MP4/QuickTime or Matroska/WebM file, whichever of H.264, H.265 (Annex B) and MJPEG it is. */
MediaReader *media_reader_open_any(const char *path, GError **error);
/* "h264", "h265" or "jpeg": the format of its frames. Static. */
const char *media_reader_format(const MediaReader *reader);
/* What the film asks its player to do with the pictures before it shows them, as GStreamer calls it ("rotate-90",
 * "flip-rotate-180"); NULL: nothing. Known once the track is open; the frames stay as they are stored. Static. */
const char *media_reader_orientation(const MediaReader *reader);
/* Next access unit in decoding order; capture_ns is its presentation time from the start of the
 * file. FALSE with no error set: the end. FALSE with ANZEN_ERROR_CORRUPT: the file is damaged from
 * here. */
gboolean media_reader_next(MediaReader *reader, Frame *ret_frame, GError **error);
void media_reader_close(MediaReader *reader); /* takes NULL */

/* ---- server: an RTSP camera of our own ---- */

typedef struct MediaServer MediaServer;

/* Serve H.264 on rtsp://127.0.0.1:PORT/PATH; `path` is "/cam". Port 0: an ephemeral one.
 * ANZEN_ERROR_BENCH when the port is taken. A client that connects gets its answer with the next
 * key frame. */
MediaServer *media_server_new(const char *path, int port, GError **error);
const char *media_server_uri(const MediaServer *server); /* owned by the server */
/* Give one access unit with its capture time to all clients. One pushing thread; copies; never
 * blocks: a client that does not read loses frames, counted. Units before a client's first key
 * frame are not sent to it. */
void media_server_push(MediaServer *server, const Frame *frame);
/* True when a client waits for a key frame: ask the encoder for one. Any thread. */
bool media_server_wants_key(MediaServer *server);
/* Clients that receive now; units given to the transport so far. Any thread. */
unsigned int media_server_clients(MediaServer *server);
uint64_t media_server_sent(MediaServer *server);
/* Clients see the end of the stream. Takes NULL. */
void media_server_free(MediaServer *server);

/* ---- encoder, decoder ---- */

typedef struct MediaEncoder MediaEncoder;

/* x264, ultrafast, zero latency, one thread: the same pictures give the same bytes. `fps` sets the
 * level of rate only; a key frame comes each `key_interval` frames (0: fps). */
MediaEncoder *media_encoder_new(const char *format, int width, int height, int fps,
				int key_interval, GError **error);
/* Encode one picture. The access unit takes over times and sequence. ret_unit is cleared with
 * media_frame_clear(). */
gboolean media_encoder_encode(MediaEncoder *encoder, const Frame *picture, bool force_key,
			      Frame *ret_unit, GError **error);
void media_encoder_free(MediaEncoder *encoder); /* takes NULL */

typedef struct MediaDecoder MediaDecoder;

/* Decodes h264 into `format`: "gray8", "i420" or "rgb". */
MediaDecoder *media_decoder_new(const char *format, GError **error);
/* Decode one access unit. TRUE: ret_picture holds its picture, with times and sequence of the unit.
 * FALSE without error: none yet (before the first key frame). FALSE with ANZEN_ERROR_CORRUPT: not
 * decodable. */
gboolean media_decoder_decode(MediaDecoder *decoder, const Frame *unit, Frame *ret_picture,
			      GError **error);
void media_decoder_free(MediaDecoder *decoder); /* takes NULL */

/* ---- stills, for reports ---- */

/* A raw picture as the bytes of a file: `kind` "jpeg" or "png". Caller unrefs. */
GBytes *media_still(const Frame *picture, const char *kind, GError **error);
/* The picture of the last of `n` access units; the first must be a key frame. Caller unrefs. */
GBytes *media_still_of_units(const Frame *units, size_t n, const char *kind, GError **error);

/* ---- watch: is the camera frozen or black? ---- */

/* Of the pixels: to tell pictures apart within one process, no more; never stored. */
uint64_t media_picture_hash(const Frame *picture);
double media_picture_mean_luma(const Frame *picture); /* 0..255; BT.601 for rgb; NaN for others */

/* Give it each decoded picture; plain, no free needed. Real and rendered sensors have noise, so
 * that `freeze_frames` equal pictures one after the other mean that the camera repeats an old one
 * (faults.md). */
typedef struct MediaWatch {
	unsigned int freeze_frames; /* 0: 15 */
	double black_luma; /* a picture darker than this is black; 0: 17 (video black is 16) */
	/* state, read only */
	uint64_t last_hash;
	unsigned int equal; /* pictures equal to the one before, in a row */
	bool frozen, black;
	int64_t since_ns; /* capture time of the first of the equal pictures */
	uint64_t seen;
} MediaWatch;

void media_watch_feed(MediaWatch *watch, const Frame *picture);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaClient, media_client_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaReader, media_reader_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaServer, media_server_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaEncoder, media_encoder_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaDecoder, media_decoder_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Frame, media_frame_clear)

G_END_DECLS

#endif
