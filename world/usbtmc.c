#include "usbtmc.h"

#include <errno.h>
#include <string.h>

#define HEADER 12 /* of every bulk message, USBTMC 1.0 tables 1 and 8 */

enum { /* MsgID, USBTMC 1.0 table 2, USB488 table 1 */
       DEV_DEP_MSG_OUT = 1,
       REQUEST_DEV_DEP_MSG_IN = 2,
       DEV_DEP_MSG_IN = 2,
       TRIGGER = 128,
};

enum { /* class requests, USBTMC 1.0 table 15, USB488 table 9 */
       INITIATE_ABORT_BULK_OUT = 1,
       CHECK_ABORT_BULK_OUT_STATUS = 2,
       INITIATE_ABORT_BULK_IN = 3,
       CHECK_ABORT_BULK_IN_STATUS = 4,
       INITIATE_CLEAR = 5,
       CHECK_CLEAR_STATUS = 6,
       GET_CAPABILITIES = 7,
       READ_STATUS_BYTE = 128,
};

#define STATUS_SUCCESS 0x01 /* USBTMC 1.0 table 16 */
#define STATUS_TRANSFER_NOT_IN_PROGRESS 0x81
#define EOM 0x01

void usbtmc_init(Usbtmc *tmc, const UsbtmcHandler *handler, int vendor, int product,
		 const char *maker, const char *model, const char *serial)
{
	*tmc = (Usbtmc){.handler = *handler, .vendor = vendor, .product = product};
	tmc->strings[0] = g_strdup(maker);
	tmc->strings[1] = g_strdup(model);
	tmc->strings[2] = g_strdup(serial);
	tmc->in = g_string_new(NULL);
	tmc->out = g_string_new(NULL);
}

void usbtmc_clear(Usbtmc *tmc)
{
	for (size_t i = 0; i < G_N_ELEMENTS(tmc->strings); i++)
		g_clear_pointer(&tmc->strings[i], g_free);
	g_string_free(tmc->in, TRUE);
	g_string_free(tmc->out, TRUE);
}

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

static int device_descriptor(const Usbtmc *tmc, uint8_t *d)
{
	const uint8_t fixed[18] = {18, 1, 0x00, 0x02, 0,    0, 0, 64, 0,
				   0,  0, 0,    0x00, 0x01, 1, 2, 3,  1};
	memcpy(d, fixed, sizeof fixed);
	d[8] = (uint8_t)tmc->vendor;
	d[9] = (uint8_t)(tmc->vendor >> 8);
	d[10] = (uint8_t)tmc->product;
	d[11] = (uint8_t)(tmc->product >> 8);
	return sizeof fixed;
}

/* One interface of class 0xFE, subclass 3, protocol 1 (USB488), two bulk endpoints of 512 bytes. */
static int configuration_descriptor(uint8_t *d)
{
	static const uint8_t fixed[] = {9,
					2,
					32,
					0,
					1,
					1,
					0,
					0xC0,
					0, /* configuration: self-powered */
					9,
					4,
					0,
					0,
					2,
					0xFE,
					3,
					1,
					0, /* interface */
					7,
					5,
					USBTMC_BULK_OUT,
					2,
					0x00,
					0x02,
					0,
					7,
					5,
					USBTMC_BULK_IN,
					2,
					0x00,
					0x02,
					0};
	memcpy(d, fixed, sizeof fixed);
	return sizeof fixed;
}

static int string_descriptor(const Usbtmc *tmc, unsigned index, uint8_t *d)
{
	if (index > G_N_ELEMENTS(tmc->strings))
		return -EPIPE;
	if (index == 0) { /* languages: English (United States) */
		memcpy(d, "\x04\x03\x09\x04", 4);
		return 4;
	}
	const char *text = tmc->strings[index - 1];
	size_t n = MIN(strlen(text), 126);
	d[0] = (uint8_t)(2 + 2 * n);
	d[1] = 3;
	for (size_t i = 0; i < n; i++) { /* ASCII as UTF-16LE */
		d[2 + 2 * i] = (uint8_t)text[i];
		d[3 + 2 * i] = 0;
	}
	return d[0];
}

static int get_descriptor(const Usbtmc *tmc, unsigned type, unsigned index, uint8_t *d)
{
	if (type == 1)
		return device_descriptor(tmc, d);
	if (type == 2 && index == 0)
		return configuration_descriptor(d);
	if (type == 3)
		return string_descriptor(tmc, index, d);
	return -EPIPE;
}

/* ---- control ------------------------------------------------------------------------------------------------------- */

static void drop_messages(Usbtmc *tmc)
{
	g_string_truncate(tmc->in, 0);
	g_string_truncate(tmc->out, 0);
	tmc->sent = 0;
	tmc->asked = false;
}

static int capabilities(uint8_t *d)
{
	memset(d, 0, 24);
	d[0] = STATUS_SUCCESS;
	d[3] = 0x01;  /* bcdUSBTMC 1.00 */
	d[13] = 0x01; /* bcdUSB488 1.00 */
	d[14] = 0x04; /* a 488.2 interface */
	d[15] = 0x08; /* understands all mandatory SCPI commands */
	return 24;
}

static int initiate_clear(Usbtmc *tmc, uint8_t *d)
{
	drop_messages(tmc);
	tmc->halted = false;
	if (tmc->handler.clear)
		tmc->handler.clear(tmc->handler.user);
	d[0] = STATUS_SUCCESS;
	return 1;
}

/* Answers are made at once, so there is only ever an open request to abort. */
static int initiate_abort_in(Usbtmc *tmc, uint8_t tag, uint8_t *d)
{
	d[0] = tmc->asked && tmc->tag == tag ? STATUS_SUCCESS : STATUS_TRANSFER_NOT_IN_PROGRESS;
	d[1] = tmc->tag;
	tmc->asked = false;
	return 2;
}

static int class_request(Usbtmc *tmc, const uint8_t *setup, uint8_t *d)
{
	memset(d, 0, 8);
	switch (setup[1]) {
	case GET_CAPABILITIES:
		return capabilities(d);
	case INITIATE_CLEAR:
		return initiate_clear(tmc, d);
	case CHECK_CLEAR_STATUS:
		d[0] = STATUS_SUCCESS;
		return 2;
	case INITIATE_ABORT_BULK_OUT:
		d[0] = tmc->in->len ? STATUS_SUCCESS : STATUS_TRANSFER_NOT_IN_PROGRESS;
		g_string_truncate(tmc->in, 0);
		return 2;
	case INITIATE_ABORT_BULK_IN:
		return initiate_abort_in(tmc, setup[2], d);
	case CHECK_ABORT_BULK_OUT_STATUS:
	case CHECK_ABORT_BULK_IN_STATUS:
		d[0] = STATUS_SUCCESS;
		return 8;
	case READ_STATUS_BYTE: /* no interrupt endpoint: the byte comes here (USB488 1.0, 4.3.1) */
		d[0] = STATUS_SUCCESS;
		d[1] = setup[2];
		d[2] = tmc->handler.status_byte ? tmc->handler.status_byte(tmc->handler.user) : 0;
		d[2] = (uint8_t)(d[2] | (tmc->out->len ? 0x10 : 0)); /* MAV, IEEE 488.2, 11.2 */
		return 3;
	default: /* codes from the wire */
		return -EPIPE;
	}
}

int usbtmc_control(Usbtmc *tmc, const uint8_t setup[8], uint8_t *data)
{
	uint8_t d[260];
	int n = -EPIPE, length = setup[6] | setup[7] << 8;
	if (setup[0] == 0x80 && setup[1] == 6)
		n = get_descriptor(tmc, setup[3], setup[2], d);
	else if (setup[0] == 0x80 && setup[1] == 8) { /* GET_CONFIGURATION */
		d[0] = 1;
		n = 1;
	} else if (setup[0] == 0x00 && setup[1] == 9) /* SET_CONFIGURATION */
		n = setup[2] == 1 ? 0 : -EPIPE;
	else if (setup[0] == 0x01 && setup[1] == 11) /* SET_INTERFACE */
		n = setup[2] == 0 ? 0 : -EPIPE;
	else if (setup[0] == 0x02 && setup[1] == 1) { /* CLEAR_FEATURE(ENDPOINT_HALT) */
		usbtmc_unhalt(tmc);
		n = 0;
	} else if (setup[0] == 0xA1 || setup[0] == 0xA2)
		n = class_request(tmc, setup, d);
	if (n <= 0)
		return n;
	n = MIN(n, length);
	memcpy(data, d, (size_t)n);
	return n;
}

/* ---- bulk ------------------------------------------------------------------------------------------------------------ */

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int stall(Usbtmc *tmc)
{
	tmc->halted = true;
	g_string_truncate(tmc->in, 0);
	return -EPIPE;
}

static void whole_message(Usbtmc *tmc)
{
	while (tmc->in->len &&
	       (tmc->in->str[tmc->in->len - 1] == '\n' || tmc->in->str[tmc->in->len - 1] == '\r'))
		g_string_truncate(tmc->in, tmc->in->len - 1);
	if (tmc->out->len) { /* a new message before the answer was read: the answer is lost */
		g_string_truncate(tmc->out, 0);
		tmc->asked = false;
		tmc->handler.misuse(tmc->handler.user, -410);
	}
	tmc->sent = 0;
	tmc->handler.message(tmc->handler.user, tmc->in->str, tmc->out);
	g_string_truncate(tmc->in, 0);
}

static int take_message(Usbtmc *tmc, const uint8_t *data, size_t size)
{
	uint32_t n = u32(data + 4);
	if (n == 0 || n > size - HEADER || tmc->in->len + n > USBTMC_MESSAGE_MAX)
		return stall(tmc);
	g_string_append_len(tmc->in, (const char *)data + HEADER, (gssize)n);
	if (data[8] & EOM)
		whole_message(tmc);
	return (int)size;
}

static int take_request(Usbtmc *tmc, const uint8_t *data, size_t size)
{
	tmc->asked = true;
	tmc->tag = data[1];
	tmc->wanted = u32(data + 4);
	if (!tmc->out->len)
		tmc->handler.misuse(tmc->handler.user, -420);
	return tmc->wanted ? (int)size : stall(tmc);
}

int usbtmc_bulk_out(Usbtmc *tmc, const uint8_t *data, size_t size)
{
	bool whole = size >= HEADER && size % 4 == 0; /* headers and alignment: USBTMC 1.0, 3.2 */
	if (tmc->halted || !whole || data[1] == 0 || (data[1] ^ data[2]) != 0xff)
		return stall(tmc);
	switch (data[0]) {
	case DEV_DEP_MSG_OUT:
		return take_message(tmc, data, size);
	case REQUEST_DEV_DEP_MSG_IN:
		return take_request(tmc, data, size);
	case TRIGGER:
		return (int)size; /* nothing waits for one */
	default:                  /* codes from the wire */
		return stall(tmc);
	}
}

int usbtmc_bulk_in(Usbtmc *tmc, uint8_t *data, size_t size)
{
	if (!tmc->asked || tmc->sent >= tmc->out->len)
		return -EAGAIN;
	size_t left = tmc->out->len - tmc->sent, n = MIN(left, tmc->wanted);
	size_t total = (HEADER + n + 3) & ~(size_t)3;
	if (total > size)
		return -EOVERFLOW;
	memset(data, 0, total);
	data[0] = DEV_DEP_MSG_IN;
	data[1] = tmc->tag;
	data[2] = (uint8_t)~tmc->tag;
	for (int i = 0; i < 4; i++)
		data[4 + i] = (uint8_t)(n >> (8 * i));
	data[8] = n == left ? EOM : 0;
	memcpy(data + HEADER, tmc->out->str + tmc->sent, n);
	tmc->sent += n;
	tmc->asked = false;
	if (n == left) {
		g_string_truncate(tmc->out, 0);
		tmc->sent = 0;
	}
	return (int)total;
}

void usbtmc_reset(Usbtmc *tmc)
{
	drop_messages(tmc);
	tmc->halted = false;
}

void usbtmc_unhalt(Usbtmc *tmc)
{
	tmc->halted = false;
}
