#include "withheld.h"

#include <math.h>

void withheld_json(JsonBuilder *b, const GPtrArray *list, int64_t start_ns)
{
	json_builder_set_member_name(b, "withheld");
	json_builder_begin_array(b);
	for (guint i = 0; i < list->len; i++) {
		const SessionWithheld *w = list->pdata[i];
		json_builder_begin_object(b);
		cli_json_text(b, "kind", session_withheld_kind_name(w->kind));
		cli_json_text(b, "name", w->name);
		cli_json_number(b, "from",
				w->from_ns == INT64_MIN ? (double)NAN
							: (double)(w->from_ns - start_ns) / 1e9);
		cli_json_number(b, "to",
				w->to_ns == CLOCK_NEVER ? (double)NAN
							: (double)(w->to_ns - start_ns) / 1e9);
		cli_json_int(b, "messages", (int64_t)w->messages);
		cli_json_text(b, "sha256", w->sha256);
		cli_json_text(b, "reason", w->reason);
		json_builder_end_object(b);
	}
	json_builder_end_array(b);
}

void withheld_text(const GPtrArray *list, int64_t start_ns)
{
	for (guint i = 0; i < list->len; i++) {
		const SessionWithheld *w = list->pdata[i];
		g_autofree char *from =
			w->from_ns == INT64_MIN
				? g_strdup("")
				: g_strdup_printf(" %.3f s -",
						  (double)(w->from_ns - start_ns) / 1e9);
		g_autofree char *to =
			w->to_ns == CLOCK_NEVER
				? g_strdup("")
				: g_strdup_printf(" %s%.3f s", *from ? "" : "- ",
						  (double)(w->to_ns - start_ns) / 1e9);
		printf("  %-10s %s%s%s: %" G_GUINT64_FORMAT ", sha256 %s\n",
		       session_withheld_kind_name(w->kind), w->name, from, to, w->messages,
		       w->sha256);
	}
}
