#include "usbtmc.h"

#include <string.h>

/* Numbers from USBTMC 1.0: tables 2, 3, 4, 9 (headers), 15 and 16 (requests, status). */
enum { MSG_OUT = 1, MSG_REQUEST_IN = 2 };
enum {
	REQUEST_INITIATE_ABORT_BULK_IN = 3,
	REQUEST_CHECK_ABORT_BULK_IN = 4,
	REQUEST_INITIATE_CLEAR = 5,
	REQUEST_CHECK_CLEAR = 6,
};
enum { STATUS_SUCCESS = 0x01, STATUS_PENDING = 0x02 };
#define TO_INTERFACE 0xA1 /* class request, device to host, interface */
#define TO_ENDPOINT 0xA2  /* the same, endpoint */
#define HEADER 12
#define EOM 1
#define TRANSFER 4096
#define CONTROL_MS 500
#define CHECKS 50 /* of a pending clear or abort */

struct Usbtmc {
	UsbLink *link;
	uint8_t tag;
	bool dead;
};

const char *usbtmc_name(const Usbtmc *tmc)
{
	return usb_link_name(tmc->link);
}

bool usbtmc_dead(const Usbtmc *tmc)
{
	return tmc->dead;
}

/* 1..255: 0 is not a tag. */
static uint8_t next_tag(Usbtmc *tmc)
{
	tmc->tag = (uint8_t)(tmc->tag % 255 + 1);
	return tmc->tag;
}

static void put_header(uint8_t h[HEADER], uint8_t kind, uint8_t tag, uint32_t size,
		       uint8_t attributes)
{
	memset(h, 0, HEADER);
	h[0] = kind;
	h[1] = tag;
	h[2] = (uint8_t)~tag;
	for (int i = 0; i < 4; i++)
		h[4 + i] = (uint8_t)(size >> (8 * i));
	h[8] = attributes;
}

/* Empty the bulk-in pipe: at most a few packets can be left after an abort or a clear. */
static void discard_input(Usbtmc *tmc)
{
	uint8_t junk[TRANSFER];
	for (int i = 0; i < 4; i++)
		if (usb_link_bulk_in(tmc->link, junk, sizeof junk, 10, NULL) <= 0)
			return;
}

/* Section 4.2.1.6 and 4.2.1.7: clear everything that is in flight either way. */
static gboolean device_clear(Usbtmc *tmc, GError **error)
{
	const UsbEndpoints *e = usb_link_endpoints(tmc->link);
	uint8_t status[2] = {0};
	if (usb_link_control(tmc->link, TO_INTERFACE, REQUEST_INITIATE_CLEAR, 0,
			     (uint16_t)e->interface, status, 1, CONTROL_MS, error) < 0)
		return FALSE;
	for (int i = 0; i < CHECKS; i++) {
		gssize n = usb_link_control(tmc->link, TO_INTERFACE, REQUEST_CHECK_CLEAR, 0,
					    (uint16_t)e->interface, status, 2, CONTROL_MS, error);
		if (n < 0)
			return FALSE;
		if (status[0] != STATUS_PENDING)
			return usb_link_clear_halt(tmc->link, e->bulk_out, error);
		if (n > 1 && (status[1] & 1)) /* it still has bulk-in data to give */
			discard_input(tmc);
	}
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_TIMEOUT, "%s: does not finish clearing",
		    usb_link_name(tmc->link));
	return FALSE;
}

/* Section 4.2.1.4 and 4.2.1.5. FALSE: not possible; then clear. */
static gboolean abort_input(Usbtmc *tmc, uint8_t tag)
{
	const UsbEndpoints *e = usb_link_endpoints(tmc->link);
	uint8_t status[8] = {0};
	if (usb_link_control(tmc->link, TO_ENDPOINT, REQUEST_INITIATE_ABORT_BULK_IN, tag,
			     e->bulk_in, status, 2, CONTROL_MS, NULL) < 1 ||
	    status[0] != STATUS_SUCCESS)
		return FALSE;
	discard_input(tmc);
	for (int i = 0; i < CHECKS; i++) {
		if (usb_link_control(tmc->link, TO_ENDPOINT, REQUEST_CHECK_ABORT_BULK_IN, 0,
				     e->bulk_in, status, 8, CONTROL_MS, NULL) < 1)
			return FALSE;
		if (status[0] != STATUS_PENDING)
			return status[0] == STATUS_SUCCESS;
		discard_input(tmc);
	}
	return FALSE;
}

/* Back in step after a failure, or shut for good: a link whose next answer may belong to the last question must not be
 * asked again. An abort alone is not enough: the reply may still be in preparation, so the device is cleared too. */
static void recover(Usbtmc *tmc, uint8_t in_tag)
{
	if (in_tag)
		abort_input(tmc, in_tag);
	discard_input(tmc);
	if (device_clear(tmc, NULL))
		return;
	tmc->dead = true;
	usb_link_shut(tmc->link);
}

Usbtmc *usbtmc_new(UsbLink *link, GError **error)
{
	Usbtmc *tmc = g_new0(Usbtmc, 1);
	tmc->link = link;
	if (device_clear(tmc, error))
		return tmc;
	usbtmc_free(tmc);
	return NULL;
}

void usbtmc_free(Usbtmc *tmc)
{
	if (!tmc)
		return;
	usb_link_close(tmc->link);
	g_free(tmc);
}

gboolean usbtmc_write(Usbtmc *tmc, const char *message, unsigned timeout_ms, GError **error)
{
	size_t length = strlen(message), padded = (HEADER + length + 3) & ~(size_t)3;
	g_autofree uint8_t *data = g_malloc0(padded);
	put_header(data, MSG_OUT, next_tag(tmc), (uint32_t)length, EOM);
	memcpy(data + HEADER, message, length);
	if (usb_link_bulk_out(tmc->link, data, padded, timeout_ms, error))
		return TRUE;
	recover(tmc, 0);
	return FALSE;
}

static gboolean bad_reply(Usbtmc *tmc, const char *why, GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: %s", usb_link_name(tmc->link), why);
	return FALSE;
}

/* One REQUEST_DEV_DEP_MSG_IN and its answer, appended to `text`. */
static gboolean read_transfer(Usbtmc *tmc, uint8_t tag, GString *text, size_t max,
			      unsigned timeout_ms, bool *ret_end, GError **error)
{
	uint8_t request[HEADER], reply[TRANSFER + HEADER + 4];
	put_header(request, MSG_REQUEST_IN, tag, TRANSFER, 0);
	if (!usb_link_bulk_out(tmc->link, request, sizeof request, timeout_ms, error))
		return FALSE;
	gssize n = usb_link_bulk_in(tmc->link, reply, sizeof reply, timeout_ms, error);
	if (n < 0)
		return FALSE;
	if (n < HEADER)
		return bad_reply(tmc, "a reply shorter than its header", error);
	uint32_t size = (uint32_t)reply[4] | (uint32_t)reply[5] << 8 | (uint32_t)reply[6] << 16 |
			(uint32_t)reply[7] << 24;
	if (reply[0] != MSG_REQUEST_IN || reply[1] != tag || (reply[1] ^ reply[2]) != 0xFF)
		return bad_reply(tmc, "a reply to another question", error);
	if (size > (uint32_t)(n - HEADER))
		return bad_reply(tmc, "a reply shorter than it says", error);
	if (text->len + size > max)
		return bad_reply(tmc, "a reply longer than expected", error);
	if (size == 0 && !(reply[8] & EOM))
		return bad_reply(tmc, "an empty piece of a reply", error);
	g_string_append_len(text, (const char *)reply + HEADER, size);
	*ret_end = reply[8] & EOM;
	return TRUE;
}

char *usbtmc_read(Usbtmc *tmc, size_t max, unsigned timeout_ms, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	bool end = false;
	while (!end) {
		uint8_t tag = next_tag(tmc);
		if (!read_transfer(tmc, tag, text, max, timeout_ms, &end, error)) {
			recover(tmc, tag);
			return NULL;
		}
	}
	if (text->len && text->str[text->len - 1] == '\n')
		g_string_truncate(text, text->len - 1);
	if (strlen(text->str) != text->len) {
		bad_reply(tmc, "a zero byte in a text reply", error);
		return NULL;
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}
