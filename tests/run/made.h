/* A session in a folder of its own, and the product that it is played to. */
#ifndef ANZEN_TESTS_RUN_MADE_H
#define ANZEN_TESTS_RUN_MADE_H

#include <anzen/scenario.h>
#include <glib/gstdio.h>
#include <unistd.h>

typedef struct Made {
	char *dir, *path;
	Product *product;
} Made;

static void made_clear(Made *m)
{
	unlink(m->path);
	rmdir(m->dir);
	g_free(m->path);
	g_free(m->dir);
	product_free(m->product);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Made, made_clear)

#endif
