/* Link URIs: one parser for every module, so that a wrong link is told before anything is opened.
 */
#include <anzen/link.h>

#include <string.h>

typedef struct {
	const char *prefix;
	LinkScheme scheme;
	const char *expected;
} Scheme;

static const Scheme schemes[] = {
	{"serial:", LINK_SERIAL, "serial:usb:VID:PID/SERIAL or serial:/dev/ttyACM0"},
	{"pty:", LINK_PTY, "pty:/dev/pts/N"},
	{"rtu:", LINK_RTU, "rtu:/dev/ttyUSB0?baud=115200&parity=E"},
	{"tcp:", LINK_TCP, "tcp:HOST:PORT"},
	{"usbtmc:", LINK_USBTMC, "usbtmc:VID:PID/SERIAL"},
	{"usbsock:", LINK_USBSOCK, "usbsock:/path/of/socket"},
	{"rtsp:", LINK_RTSP, "rtsp://HOST:PORT/PATH"},
	{"v4l2:", LINK_V4L2, "v4l2:/dev/video0"},
	{"world:", LINK_WORLD, "world:NAME"},
	{"plant:", LINK_PLANT, "plant:NAME"},
};

const char *link_scheme_name(LinkScheme scheme)
{
	for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (schemes[i].scheme == scheme)
			return schemes[i].prefix;
	return "?";
}

void link_uri_free(LinkUri *uri)
{
	if (!uri)
		return;
	g_free(uri->path);
	g_free(uri->host);
	g_free(uri->serial);
	g_free(uri);
}

static gboolean wrong(const Scheme *scheme, const char *text, const char *what, GError **error)
{
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, "link \"%s\": %s; expected %s", text,
		    what, scheme->expected);
	return FALSE;
}

/* Four hexadecimal digits, as lsusb prints them. */
static bool parse_hex4(const char *text, int *ret)
{
	int value = 0;
	for (int i = 0; i < 4; i++) {
		int digit = g_ascii_xdigit_value(text[i]);
		if (digit < 0)
			return false;
		value = value * 16 + digit;
	}
	*ret = value;
	return true;
}

static gboolean parse_usb(const Scheme *scheme, const char *text, const char *rest, LinkUri *uri,
			  GError **error)
{
	if (strlen(rest) < 9 || rest[4] != ':' || !parse_hex4(rest, &uri->vid) ||
	    !parse_hex4(rest + 5, &uri->pid))
		return wrong(scheme, text, "VID:PID must be two times four hexadecimal digits",
			     error);
	uri->by_usb = true;
	rest += 9;
	if (*rest == '\0')
		return TRUE;
	if (*rest != '/' || rest[1] == '\0' || strlen(rest + 1) > 126)
		return wrong(scheme, text, "after VID:PID comes /SERIAL or nothing", error);
	uri->serial = g_strdup(rest + 1);
	return TRUE;
}

static gboolean parse_path(const Scheme *scheme, const char *text, const char *rest, LinkUri *uri,
			   GError **error)
{
	if (rest[0] != '/')
		return wrong(scheme, text, "the path must be absolute", error);
	uri->path = g_strdup(rest);
	return TRUE;
}

static gboolean parse_tcp(const Scheme *scheme, const char *text, const char *rest, LinkUri *uri,
			  GError **error)
{
	const char *colon = strrchr(rest, ':');
	guint64 port = 0;
	if (!colon || colon == rest ||
	    !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
		return wrong(scheme, text, "host and port (1..65535) are needed", error);
	size_t length = (size_t)(colon - rest);
	if (rest[0] == '[' && length > 2 &&
	    rest[length - 1] == ']') /* IPv6, as RFC 3986 writes it */
		uri->host = g_strndup(rest + 1, length - 2);
	else if (memchr(rest, ':', length))
		return wrong(scheme, text, "an IPv6 address needs [ ]", error);
	else
		uri->host = g_strndup(rest, length);
	uri->port = (int)port;
	return TRUE;
}

static gboolean parse_name(const Scheme *scheme, const char *text, const char *rest, LinkUri *uri,
			   GError **error)
{
	if (!*rest || strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-._") != strlen(rest))
		return wrong(scheme, text, "the name is lower-case letters, digits, - . _", error);
	uri->path = g_strdup(rest);
	return TRUE;
}

static gboolean parse_option(const Scheme *scheme, const char *text, const char *key,
			     const char *value, LinkUri *uri, GError **error)
{
	guint64 number = 0;
	if (!strcmp(key, "baud")) {
		if (!g_ascii_string_to_unsigned(value, 10, 50, 4000000, &number, NULL))
			return wrong(scheme, text, "baud must be 50..4000000", error);
		uri->baud = (int)number;
	} else if (!strcmp(key, "parity")) {
		if (strlen(value) != 1 || !strchr("NEO", value[0]))
			return wrong(scheme, text, "parity must be N, E or O", error);
		uri->parity = value[0];
	} else if (!strcmp(key, "stop")) {
		if (!g_ascii_string_to_unsigned(value, 10, 1, 2, &number, NULL))
			return wrong(scheme, text, "stop must be 1 or 2", error);
		uri->stop_bits = (int)number;
	} else {
		g_autofree char *what =
			g_strdup_printf("unknown option \"%s\" (baud, parity, stop)", key);
		return wrong(scheme, text, what, error);
	}
	return TRUE;
}

static gboolean parse_options(const Scheme *scheme, const char *text, const char *query,
			      LinkUri *uri, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(query, "&", 8);
	for (char **p = parts; *p; p++) {
		char *equals = strchr(*p, '=');
		if (!equals)
			return wrong(scheme, text, "options are key=value", error);
		*equals = '\0';
		if (!parse_option(scheme, text, *p, equals + 1, uri, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean parse_address(const Scheme *scheme, const char *text, const char *rest,
			      LinkUri *uri, GError **error)
{
	switch (scheme->scheme) {
	case LINK_SERIAL:
		if (g_str_has_prefix(rest, "usb:"))
			return parse_usb(scheme, text, rest + 4, uri, error);
		return parse_path(scheme, text, rest, uri, error);
	case LINK_PTY:
	case LINK_RTU:
	case LINK_USBSOCK:
	case LINK_V4L2:
		return parse_path(scheme, text, rest, uri, error);
	case LINK_TCP:
		return parse_tcp(scheme, text, rest, uri, error);
	case LINK_USBTMC:
		return parse_usb(scheme, text, rest, uri, error);
	case LINK_RTSP:
		if (!g_str_has_prefix(rest, "//") || strlen(rest) < 3)
			return wrong(scheme, text, "no host", error);
		uri->path = g_strdup(text);
		return TRUE;
	case LINK_WORLD:
	case LINK_PLANT:
		return parse_name(scheme, text, rest, uri, error);
	}
	g_assert_not_reached();
}

static const Scheme *find_scheme(const char *text)
{
	for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (g_str_has_prefix(text, schemes[i].prefix))
			return &schemes[i];
	return NULL;
}

LinkUri *link_uri_parse(const char *text, GError **error)
{
	const Scheme *scheme = find_scheme(text);
	if (!scheme) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_INPUT,
			    "link \"%s\": unknown kind; expected serial:, pty:, rtu:, tcp:, "
			    "usbtmc:, usbsock:, "
			    "rtsp:, v4l2:, world: or plant:",
			    text);
		return NULL;
	}
	g_autoptr(LinkUri) uri = g_new0(LinkUri, 1);
	uri->scheme = scheme->scheme;
	const char *rest = text + strlen(scheme->prefix);
	const char *query = NULL;
	if (scheme->scheme == LINK_SERIAL || scheme->scheme == LINK_RTU ||
	    scheme->scheme == LINK_PTY)
		query = strchr(rest, '?');
	g_autofree char *address = query ? g_strndup(rest, (size_t)(query - rest)) : g_strdup(rest);
	if (!parse_address(scheme, text, address, uri, error))
		return NULL;
	if (query && !parse_options(scheme, text, query + 1, uri, error))
		return NULL;
	return g_steal_pointer(&uri);
}
