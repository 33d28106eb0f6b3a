/* Runs a libFuzzer target over its corpus in ordinary builds, so that every build replays what fuzzing has found.
 * Around each corpus file it also tries truncations and single flipped bytes, the same ones in every run: the cheap
 * part of fuzzing without clang. Any crash, assertion or sanitizer report fails the test. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VARIANTS 128

static unsigned long inputs;

/* On the heap with its exact size, so that a sanitizer sees an overread of one byte. */
static void try(const uint8_t *data, size_t size)
{
	uint8_t *copy = g_malloc(size ? size : 1);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	g_free(copy);
	inputs++;
}

static void try_file(const char *path)
{
	g_autofree char *data = NULL;
	gsize size = 0;
	if (!g_file_get_contents(path, &data, &size, NULL))
		return;
	uint8_t *bytes = (uint8_t *)data;
	try(bytes, size);
	gsize step = size / VARIANTS + 1;
	for (gsize i = 0; i < size; i += step)
		try(bytes, i);
	for (gsize i = 0; i < size; i += step) {
		uint8_t kept = bytes[i];
		bytes[i] ^= (uint8_t)(1u << (i % 8));
		try(bytes, size);
		bytes[i] = kept;
	}
}

static void try_folder(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	for (const char *name; dir && (name = g_dir_read_name(dir));) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		try_file(file);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		try_folder(argv[i]);
	fprintf(stderr, "%lu inputs\n", inputs);
	return inputs == 0; /* an empty corpus proves nothing */
}
