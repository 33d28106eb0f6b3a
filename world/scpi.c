#include "scpi.h"

#include <math.h>
#include <string.h>

/* SCPI 1999 volume 2, 21.8 */
static const struct {
	int code;
	const char *text;
} messages[] = {
	{0, "No error"},
	{-104, "Data type error"},
	{-108, "Parameter not allowed"},
	{-109, "Missing parameter"},
	{-113, "Undefined header"},
	{-222, "Data out of range"},
	{-224, "Illegal parameter value"},
	{-350, "Queue overflow"},
	{-410, "Query INTERRUPTED"},
	{-420, "Query UNTERMINATED"},
};

static const char *message_of(int code)
{
	for (size_t i = 0; i < G_N_ELEMENTS(messages); i++)
		if (messages[i].code == code)
			return messages[i].text;
	return "Device-specific error";
}

void scpi_error(Scpi *scpi, int code)
{
	if (code <= -400) /* query, execution, command error bits: IEEE 488.2, 11.5.1 */
		scpi->event_status |= 0x04;
	else if (code <= -200)
		scpi->event_status |= 0x10;
	else
		scpi->event_status |= 0x20;
	if (scpi->error_count < SCPI_ERRORS)
		scpi->errors[scpi->error_count++] = code;
	else
		scpi->errors[SCPI_ERRORS - 1] = -350;
}

uint8_t scpi_status_byte(const Scpi *scpi)
{
	return (uint8_t)((scpi->error_count ? 0x04 : 0) | (scpi->event_status ? 0x20 : 0));
}

/* ---- headers ----------------------------------------------------------------------------------------------------- */

/* One node: the pattern's capitals are the short form. Both ends are given. */
static bool node_matches(const char *pattern, size_t pattern_n, const char *text, size_t n)
{
	size_t brief = 0;
	while (brief < pattern_n && !g_ascii_islower(pattern[brief]))
		brief++;
	return (n == brief || n == pattern_n) && !g_ascii_strncasecmp(pattern, text, n);
}

bool scpi_header_matches(const char *pattern, const char *header)
{
	if (!*pattern)
		return !*header;
	bool optional = *pattern == '[';
	const char *node = pattern + optional;
	if (*node == ':')
		node++;
	size_t node_n = strcspn(node, ":[]");
	const char *rest = node + node_n;
	if (optional) { /* "[SOURce:]" and "[:LEVel]" */
		rest += strcspn(rest, "]");
		rest += *rest == ']';
	}
	const char *text = header + (*header == ':');
	size_t n = strcspn(text, ":");
	if (n && node_matches(node, node_n, text, n) && scpi_header_matches(rest, text + n))
		return true;
	return optional && scpi_header_matches(rest, header);
}

/* ---- parameters ---------------------------------------------------------------------------------------------------- */

/* A number with an optional unit letter; the error is queued. */
static bool number(Scpi *scpi, const char *text, char unit, double lo, double hi, double *ret)
{
	char *end = NULL;
	if (!*text) {
		scpi_error(scpi, -109);
		return false;
	}
	double value = g_ascii_strtod(text, &end);
	g_strchug(end);
	if (end == text || (*end && (g_ascii_toupper(*end) != unit || end[1]))) {
		scpi_error(scpi, -104);
		return false;
	}
	if (!isfinite(value) || value < lo || value > hi) {
		scpi_error(scpi, -222);
		return false;
	}
	*ret = value;
	return true;
}

static bool on_off(Scpi *scpi, const char *text, bool *ret)
{
	if (!g_ascii_strcasecmp(text, "ON") || !strcmp(text, "1"))
		*ret = true;
	else if (!g_ascii_strcasecmp(text, "OFF") || !strcmp(text, "0"))
		*ret = false;
	else {
		scpi_error(scpi, *text ? -224 : -109);
		return false;
	}
	return true;
}

/* ---- commands --------------------------------------------------------------------------------------------------------- */

static void reset(Scpi *scpi)
{
	scpi->volts = 0;
	scpi->amperes = scpi->amperes_max;
	scpi->output = false;
	scpi->io.set_output(scpi->io.user, false);
	scpi->io.set_voltage(scpi->io.user, 0);
}

static void do_idn(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	g_string_append_printf(reply, "%s,%s,%s,%s", scpi->identity[0], scpi->identity[1],
			       scpi->identity[2], scpi->identity[3]);
}

static void do_rst(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	(void)reply;
	reset(scpi);
}

static void do_cls(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	(void)reply;
	scpi->error_count = 0;
	scpi->event_status = 0;
}

static void do_opc(Scpi *scpi, const char *argument, GString *reply)
{
	(void)scpi;
	(void)argument;
	g_string_append(reply, "1");
}

static void do_esr(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	g_string_append_printf(reply, "%d", scpi->event_status);
	scpi->event_status = 0;
}

static void do_stb(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	g_string_append_printf(reply, "%d", scpi_status_byte(scpi));
}

static void do_zero(Scpi *scpi, const char *argument, GString *reply)
{
	(void)scpi;
	(void)argument;
	g_string_append(reply, "0"); /* self-test: passed */
}

static void append_number(GString *reply, double value)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];
	g_string_append(reply, g_ascii_formatd(text, sizeof text, "%.4f", value));
}

static void do_volt(Scpi *scpi, const char *argument, GString *reply)
{
	(void)reply;
	if (number(scpi, argument, 'V', 0, scpi->volts_max, &scpi->volts))
		scpi->io.set_voltage(scpi->io.user, scpi->volts);
}

static void ask_volt(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	append_number(reply, scpi->volts);
}

static void do_curr(Scpi *scpi, const char *argument, GString *reply)
{
	(void)reply;
	number(scpi, argument, 'A', 0, scpi->amperes_max, &scpi->amperes);
}

static void ask_curr(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	append_number(reply, scpi->amperes);
}

static void do_outp(Scpi *scpi, const char *argument, GString *reply)
{
	(void)reply;
	if (on_off(scpi, argument, &scpi->output))
		scpi->io.set_output(scpi->io.user, scpi->output);
}

static void ask_outp(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	g_string_append(reply, scpi->output ? "1" : "0");
}

static void do_nsel(Scpi *scpi, const char *argument, GString *reply)
{
	double channel;
	(void)reply;
	number(scpi, argument, 0, 1, 1, &channel);
}

static void ask_meas_volt(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	append_number(reply, scpi->io.measure_voltage(scpi->io.user));
}

static void ask_meas_curr(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	append_number(reply, scpi->io.measure_current(scpi->io.user));
}

static void ask_meas_pow(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	append_number(reply, scpi->io.measure_voltage(scpi->io.user) *
				     scpi->io.measure_current(scpi->io.user));
}

static void ask_error(Scpi *scpi, const char *argument, GString *reply)
{
	(void)argument;
	int code = scpi->error_count ? scpi->errors[0] : 0;
	g_string_append_printf(reply, "%d,\"%s\"", code, message_of(code));
	if (!scpi->error_count)
		return;
	scpi->error_count--;
	memmove(scpi->errors, scpi->errors + 1, (size_t)scpi->error_count * sizeof *scpi->errors);
}

static void ask_version(Scpi *scpi, const char *argument, GString *reply)
{
	(void)scpi;
	(void)argument;
	g_string_append(reply, "1999.0");
}

#define LEVEL "[:LEVel][:IMMediate][:AMPLitude]"
static const struct {
	const char *header;
	void (*set)(Scpi *scpi, const char *argument, GString *reply);
	void (*ask)(Scpi *scpi, const char *argument, GString *reply);
} commands[] = {
	{"*IDN", NULL, do_idn},
	{"*RST", do_rst, NULL},
	{"*CLS", do_cls, NULL},
	{"*OPC", do_cls, do_opc},
	{"*ESR", NULL, do_esr},
	{"*STB", NULL, do_stb},
	{"*TST", NULL, do_zero},
	{"[SOURce:]VOLTage" LEVEL, do_volt, ask_volt},
	{"[SOURce:]CURRent" LEVEL, do_curr, ask_curr},
	{"OUTPut[:STATe]", do_outp, ask_outp},
	{"INSTrument:NSELect", do_nsel, do_opc},
	{"MEASure[:SCALar]:VOLTage[:DC]", NULL, ask_meas_volt},
	{"MEASure[:SCALar]:CURRent[:DC]", NULL, ask_meas_curr},
	{"MEASure[:SCALar]:POWer[:DC]", NULL, ask_meas_pow},
	{"SYSTem:ERRor[:NEXT]", NULL, ask_error},
	{"SYSTem:VERSion", NULL, ask_version},
};

static void execute_one(Scpi *scpi, char *command, GString *reply)
{
	g_strstrip(command);
	if (!*command)
		return;
	char *argument = command + strcspn(command, " \t");
	if (*argument)
		*argument++ = 0;
	g_strstrip(argument);
	size_t n = strlen(command);
	bool query = n && command[n - 1] == '?';
	if (query)
		command[n - 1] = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (!scpi_header_matches(commands[i].header, command) ||
		    !(query ? commands[i].ask : commands[i].set))
			continue;
		if (query && *argument) {
			scpi_error(scpi, -108);
			return;
		}
		if (query && reply->len)
			g_string_append_c(reply, ';');
		(query ? commands[i].ask : commands[i].set)(scpi, argument, reply);
		return;
	}
	scpi_error(scpi, -113);
}

void scpi_execute(Scpi *scpi, const char *message, GString *reply)
{
	g_auto(GStrv) parts = g_strsplit(message, ";", -1);
	for (char **part = parts; *part; part++)
		execute_one(scpi, *part, reply);
	if (reply->len)
		g_string_append_c(reply, '\n');
}

void scpi_init(Scpi *scpi, const ScpiIo *io, const char *const identity[4], double volts_max,
	       double amperes_max)
{
	*scpi = (Scpi){.io = *io, .volts_max = volts_max, .amperes_max = amperes_max};
	memcpy(scpi->identity, identity, sizeof scpi->identity);
	scpi_power_on(scpi);
}

void scpi_power_on(Scpi *scpi)
{
	scpi->volts = 0;
	scpi->amperes = scpi->amperes_max;
	scpi->output = false;
	scpi->error_count = 0;
	scpi->event_status = 0x80; /* power on: IEEE 488.2, 11.5.1 */
}
