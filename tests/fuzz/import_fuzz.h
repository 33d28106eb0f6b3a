/* Any bytes as a file: the reader comes to an end, whatever it says; nothing is written. */
#ifndef ANZEN_IMPORT_FUZZ_H
#define ANZEN_IMPORT_FUZZ_H

#include "../../host/import/bytes.h"

#define MOST_BYTES (1 << 16)

typedef gboolean (*ImportFuzzReader)(Intake *in, const char *path, const uint8_t *data, size_t size,
				     GError **error);

/* Refused with a reason, or taken with counts that agree; the first byte says whether damage is stepped over. */
static inline void import_fuzz_bytes(ImportFuzzReader reader, const uint8_t *data, size_t size)
{
	g_auto(Intake) in = {0};
	g_autoptr(GError) error = NULL;
	ImportOptions options = {.salvage = size > 0 && (data[size - 1] & 1)};
	if (size > MOST_BYTES)
		return;
	intake_init(&in, &options, NULL);
	in.source = "fuzz";
	in.format = "fuzz";
	gboolean good = reader(&in, "fuzz", data, size, &error);
	g_assert(good == (error == NULL));
	intake_sort(&in);
	g_assert(in.taken <= in.messages);
	for (size_t i = 1; i < in.n_samples; i++)
		g_assert(in.samples[i].t_ns >= in.samples[i - 1].t_ns);
}

/* One message of a definition, both cut out of the bytes at `cut`. */
static inline void import_fuzz_message(const MessageType *type, IntakeWire wire,
				       const uint8_t *data, size_t size)
{
	g_auto(Intake) in = {0};
	ImportOptions options = {0};
	const IntakeTimes times = {1000, INTAKE_NO_TIME};
	const IntakePlace place = {"byte", 0, NULL};
	intake_init(&in, &options, NULL);
	in.source = "fuzz";
	in.format = "fuzz";
	IntakeTopic *topic = intake_topic(&in, "t", "T", NULL, "fuzz", wire, type);
	intake_message(&in, topic, &times, data, size, &place);
	intake_message(&in, topic, &times, data, size, &place);
	intake_sort(&in);
	g_assert(in.taken == 0 || in.taken == 2);
}

#endif
