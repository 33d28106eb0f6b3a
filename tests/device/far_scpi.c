/* A SCPI supply behind the USB socket, written from USBTMC 1.0 for the tests alone. */
#include "far.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct Far {
	UsbServer *server;
	pthread_t thread;
	atomic_bool quit;
	atomic_int mode, clears;
	char link[96], path[80], map_path[64];
	char reply[256], measured[64];
	bool has_reply, requested, output;
	uint8_t tag;
	double volts;
};

static const char spec_text[] =
	"anzen: instrument/1\n"
	"id: test-supply\n"
	"identity: \"Test,Supply,*\"\n"
	"errors: \"SYST:ERR?\"\n"
	"response: 60 ms\n"
	"channels:\n"
	"  voltage: {set: \"VOLT %\", query: \"VOLT?\", unit: V, range: [0, 30], tolerance: 0.01, "
	"safe: 0}\n"
	"  output: {set: \"OUTP %\", query: \"OUTP?\", unit: \"1\", range: [0, 1], boolean: true, "
	"safe: 0}\n"
	"  measured: {query: \"MEAS:VOLT?\", unit: V, range: [-1, 31], poll: 20 ms}\n";

static const uint8_t config[] = {9, 2, 32, 0, 1, 1, 0, 0x80, 50, 9, 4, 0,    0, 2, 0xFE, 3,
				 1, 0, 7,  5, 1, 2, 0, 2,    0,  7, 5, 0x82, 2, 0, 2,    0};

static int control(void *user, const uint8_t setup[8], uint8_t *data)
{
	Far *far = user;
	int length = setup[6] | setup[7] << 8;
	if (setup[0] == 0x80 && setup[1] == 6 && setup[3] == 2) {
		memcpy(data, config, MIN((size_t)length, sizeof config));
		return MIN(length, (int)sizeof config);
	}
	if (far->mode == FAR_MUTE || far->mode == FAR_GARBAGE)
		return -EPIPE; /* a hung instrument does not clear either */
	if (setup[0] == 0xA1 && (setup[1] == 5 || setup[1] == 6)) { /* clear, check clear */
		far->clears += setup[1] == 5;
		far->has_reply = far->requested = false;
		data[0] = 1;
		data[1] = 0;
		return setup[1] == 5 ? 1 : 2;
	}
	return -EPIPE; /* aborts are not supported: the client has to clear */
}

static void obey(Far *far, const char *command)
{
	far->has_reply = strchr(command, '?') != NULL;
	if (!strncmp(command, "*IDN?", 5))
		strcpy(far->reply, "Test,Supply,1,1.0\n");
	else if (!strncmp(command, "SYST:ERR?", 9))
		strcpy(far->reply, "0,\"No error\"\n");
	else if (!strncmp(command, "VOLT?", 5))
		g_snprintf(far->reply, sizeof far->reply, "%.3f\n", far->volts);
	else if (!strncmp(command, "OUTP?", 5))
		strcpy(far->reply, far->output ? "1\n" : "0\n");
	else if (!strncmp(command, "MEAS:VOLT?", 10))
		g_snprintf(far->reply, sizeof far->reply, "%s\n", far->measured);
	else if (!strncmp(command, "VOLT ", 5))
		far->volts = atof(command + 5);
	else if (!strncmp(command, "OUTP ", 5))
		far->output = !strncmp(command + 5, "ON", 2);
}

static int bulk_out(void *user, uint8_t endpoint, const uint8_t *data, size_t size)
{
	Far *far = user;
	(void)endpoint;
	if (size < 12)
		return -EPIPE;
	if (data[0] == 1) {
		char command[128] = "";
		size_t n = data[4] | (size_t)data[5] << 8;
		memcpy(command, data + 12, MIN(n, sizeof command - 1));
		obey(far, command);
	} else if (data[0] == 2) {
		far->requested = true;
		far->tag = data[1];
	}
	return (int)size;
}

static int bulk_in(void *user, uint8_t endpoint, uint8_t *data, size_t size)
{
	Far *far = user;
	(void)endpoint;
	if (!far->requested || !far->has_reply || far->mode == FAR_MUTE)
		return -EAGAIN;
	size_t n = strlen(far->reply), total = (12 + n + 3) & ~(size_t)3;
	far->requested = far->has_reply = false;
	if (total > size)
		return -EOVERFLOW;
	memset(data, 0, total);
	data[0] = 2;
	data[1] = far->tag;
	data[2] = (uint8_t)~far->tag;
	data[4] = (uint8_t)n;
	data[8] = 1;
	memcpy(data + 12, far->reply, n);
	if (far->mode == FAR_SHORT) {
		data[4] = 200; /* says more than it gives */
		return (int)total;
	}
	if (far->mode == FAR_GARBAGE)
		memset(data, 0xA5, total);
	if (far->mode == FAR_WRONG) {
		data[1]++; /* the answer to another question */
		data[2] = (uint8_t)~data[1];
	}
	return (int)total;
}

static const UsbDeviceOps device_ops = {
	.control = control, .bulk_out = bulk_out, .bulk_in = bulk_in};

static void *serve(void *user)
{
	Far *far = user;
	while (!far->quit)
		usb_server_run(far->server, clock_now(clock_monotonic()) + CLOCK_S);
	return NULL;
}

static Far *start(void)
{
	Far *far = g_new0(Far, 1);
	strcpy(far->measured, "+1.25000E+01");
	g_snprintf(far->path, sizeof far->path, "/tmp/anzen-scpi-%d-%p.sock", getpid(),
		   (void *)far);
	g_snprintf(far->link, sizeof far->link, "usbsock:%s", far->path);
	g_snprintf(far->map_path, sizeof far->map_path, "/tmp/anzen-scpi-%d-%p.yaml", getpid(),
		   (void *)far);
	g_file_set_contents(far->map_path, spec_text, -1, NULL);
	far->server = usb_server_new(far->path, &device_ops, far, NULL);
	pthread_create(&far->thread, NULL, serve, far);
	return far;
}

static const char *get_link(Far *far)
{
	return far->link;
}

static const char *get_map(Far *far)
{
	return far->map_path;
}

static void set_mode(Far *far, FarMode mode)
{
	far->mode = (int)mode;
	if (mode == FAR_UNPLUGGED)
		usb_server_plug(far->server, false);
}

static void stop(Far *far)
{
	far->quit = true;
	usb_server_wake(far->server);
	pthread_join(far->thread, NULL);
	usb_server_free(far->server);
	unlink(far->map_path);
	g_free(far);
}

void far_scpi_reply(Far *far, const char *text)
{
	g_strlcpy(far->measured, text ? text : "+1.25000E+01", sizeof far->measured);
}

int far_scpi_clears(Far *far)
{
	return far->clears;
}

const FarKind far_scpi = {"scpi", "measured", 12.5,    "voltage", 5,
			  start,  get_link,   get_map, set_mode,  stop};
