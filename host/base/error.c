#include <anzen/base/error.h>

G_DEFINE_QUARK(anzen - error, anzen_error)

AnzenExit anzen_error_exit(const GError *error)
{
	if (error && error->domain == ANZEN_ERROR && error->code == ANZEN_ERROR_INPUT)
		return ANZEN_EXIT_INPUT;
	return ANZEN_EXIT_INVALID;
}

gboolean error_input(GError **error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, ANZEN_ERROR, ANZEN_ERROR_INPUT, text);
	return FALSE;
}
