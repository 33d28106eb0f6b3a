/* pty: own termios, because libserialport 0.1.1 wants /sys/class/tty and modem lines, which a pty
 * has not. serial: libserialport, found by path or by what USB says. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static gboolean raw_terminal(int fd, const char *name, GError **error)
{
	struct termios tio;
	if (tcgetattr(fd, &tio) < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: no terminal: %s", name,
			    g_strerror(errno));
		return FALSE;
	}
	cfmakeraw(&tio);
	tio.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(fd, TCSANOW, &tio) < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "%s: cannot set raw mode: %s", name,
			    g_strerror(errno));
		return FALSE;
	}
	tcflush(fd, TCIFLUSH);
	return TRUE;
}

ByteLink *pty_open(const LinkUri *uri, const char *name, GError **error)
{
	int fd = open(uri->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: cannot open: %s", name,
			    g_strerror(errno));
		return NULL;
	}
	if (!link_lock_terminal(fd, name, error) || !raw_terminal(fd, name, error)) {
		close(fd);
		return NULL;
	}
	return fd_link_new(fd, true, name, NULL, NULL);
}

/* ---- serial ports of this machine ---- */

void link_port_free(LinkPort *port)
{
	if (!port)
		return;
	g_free(port->link);
	g_free(port->path);
	g_free(port->serial);
	g_free(port->product);
	g_free(port);
}

static LinkPort *describe_port(const struct sp_port *sp)
{
	LinkPort *port = g_new0(LinkPort, 1);
	port->path = g_strdup(sp_get_port_name(sp));
	port->usb = sp_get_port_transport(sp) == SP_TRANSPORT_USB &&
		    sp_get_port_usb_vid_pid(sp, &port->vid, &port->pid) == SP_OK;
	if (port->usb) {
		port->serial = g_strdup(sp_get_port_usb_serial(sp));
		port->product = g_strdup(sp_get_port_usb_product(sp));
		port->link =
			g_strdup_printf("serial:usb:%04x:%04x%s%s", port->vid, port->pid,
					port->serial ? "/" : "", port->serial ? port->serial : "");
	} else {
		port->link = g_strdup_printf("serial:%s", port->path);
	}
	return port;
}

GPtrArray *link_serial_ports(void)
{
	GPtrArray *ports = g_ptr_array_new_with_free_func((GDestroyNotify)link_port_free);
	struct sp_port **list = NULL;
	if (sp_list_ports(&list) != SP_OK)
		return ports;
	for (struct sp_port **p = list; *p; p++)
		g_ptr_array_add(ports, describe_port(*p));
	sp_free_port_list(list);
	return ports;
}

static bool port_matches(const LinkPort *port, const LinkUri *uri)
{
	return port->usb && port->vid == uri->vid && port->pid == uri->pid &&
	       (!uri->serial || !g_strcmp0(port->serial, uri->serial));
}

/* Path of the one port that matches; the error lists what is there. */
static char *find_usb_port(const LinkUri *uri, const char *name, GError **error)
{
	g_autoptr(GPtrArray) ports = link_serial_ports();
	g_autoptr(GString) seen = g_string_new(NULL);
	const LinkPort *found = NULL;
	int matches = 0;
	for (guint i = 0; i < ports->len; i++) {
		const LinkPort *port = g_ptr_array_index(ports, i);
		if (port->usb)
			g_string_append_printf(seen, "%s%s %04x:%04x/%s", seen->len ? ", " : "",
					       port->path, port->vid, port->pid,
					       port->serial ? port->serial : "");
		if (port_matches(port, uri)) {
			found = port;
			matches++;
		}
	}
	if (matches == 1)
		return g_strdup(found->path);
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: %s; plugged in now: %s", name,
		    matches ? "more than one port matches, add /SERIAL to the link"
			    : "no such USB serial port: is it plugged in and powered?",
		    seen->len ? seen->str : "none");
	return NULL;
}

/* ---- libserialport ---- */

static gboolean sp_failed(const char *name, const char *what, GError **error)
{
	char *text = sp_last_error_message();
	g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_BENCH, "%s: cannot %s: %s", name, what,
		    text && *text ? text : "not supported");
	sp_free_error_message(text);
	return FALSE;
}

static enum sp_parity sp_parity_of(char parity)
{
	return parity == 'E' ? SP_PARITY_EVEN : parity == 'O' ? SP_PARITY_ODD : SP_PARITY_NONE;
}

static gboolean configure_port(struct sp_port *port, const LinkUri *uri, const char *name,
			       GError **error)
{
	struct sp_port_config *config = NULL;
	if (sp_new_config(&config) != SP_OK)
		return sp_failed(name, "allocate", error);
	sp_set_config_baudrate(config, uri->baud ? uri->baud : 115200);
	sp_set_config_bits(config, 8);
	sp_set_config_parity(config, sp_parity_of(uri->parity));
	sp_set_config_stopbits(config, uri->stop_bits ? uri->stop_bits : 1);
	sp_set_config_flowcontrol(config, SP_FLOWCONTROL_NONE);
	enum sp_return result = sp_set_config(port, config);
	sp_free_config(config);
	if (result != SP_OK)
		return sp_failed(name, "set the line's speed and format", error);
	sp_flush(port, SP_BUF_INPUT);
	return TRUE;
}

static void release_port(void *owner)
{
	struct sp_port *port = owner;
	sp_close(port);
	sp_free_port(port);
}

ByteLink *serial_open(const LinkUri *uri, const char *name, GError **error)
{
	g_autofree char *path = uri->by_usb ? find_usb_port(uri, name, error) : g_strdup(uri->path);
	if (!path)
		return NULL;
	struct sp_port *port = NULL;
	if (sp_get_port_by_name(path, &port) != SP_OK) {
		sp_failed(name, "find the port", error);
		return NULL;
	}
	if (sp_open(port, SP_MODE_READ_WRITE) != SP_OK) {
		sp_failed(name, "open (unplugged, or no permission: group dialout)", error);
		sp_free_port(port);
		return NULL;
	}
	int fd = -1;
	sp_get_port_handle(port, &fd);
	g_autofree char *full =
		uri->by_usb ? g_strdup_printf("%s (%s)", name, path) : g_strdup(name);
	if (!link_lock_terminal(fd, full, error) || !configure_port(port, uri, full, error)) {
		release_port(port);
		return NULL;
	}
	return fd_link_new(fd, true, full, release_port, port);
}
