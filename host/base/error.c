#include <anzen/base/error.h>

G_DEFINE_QUARK(anzen - error, anzen_error)

AnzenExit anzen_error_exit(const GError *error)
{
	if (error && error->domain == ANZEN_ERROR && error->code == ANZEN_ERROR_INPUT)
		return ANZEN_EXIT_INPUT;
	return ANZEN_EXIT_INVALID;
}
