#include "pty.h"

#include <anzen/base.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

gboolean world_pty_open(int *ret_master, int *ret_tty, char **ret_name, GError **error)
{
	char name[64];
	struct termios raw;
	int tty = -1, master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master >= 0 && !grantpt(master) && !unlockpt(master) &&
	    !ptsname_r(master, name, sizeof name))
		tty = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty < 0 || tcgetattr(tty, &raw)) {
		g_set_error(error, ANZEN_ERROR, ANZEN_ERROR_IO, "cannot make a pseudo-terminal: %s",
			    g_strerror(errno));
		if (tty >= 0)
			close(tty);
		if (master >= 0)
			close(master);
		return FALSE;
	}
	cfmakeraw(&raw);
	tcsetattr(tty, TCSANOW, &raw);
	*ret_master = master;
	*ret_tty = tty;
	*ret_name = g_strdup(name);
	return TRUE;
}
