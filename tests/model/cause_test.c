/* Causes of faults in Japanese: every form that the bench's own parts use is known, and nothing is lost or invented. */
#include <anzen/model.h>
#include <string.h>

#include "unit.h"

static bool japanese(const char *text)
{
	for (const char *c = text; *c; c = g_utf8_next_char(c))
		if (g_utf8_get_char(c) >= 0x3040)
			return true;
	return false;
}

static void check(const char *en, const char *ja)
{
	g_autofree char *said = fault_cause_in("ja", en);
	CU_ASSERT_STRING_EQUAL(said, ja);
	if (strcmp(said, ja))
		fprintf(stderr, "%s\n -> %s\n", en, said);
}

static void a_cause_is_translated_with_what_it_names(void)
{
	check("cam froze: the first of 15 equal pictures",
	      "cam の映像が停止しました(同一画像 15 枚の最初)");
	check("node-a: it restarted (boot 3 to 4, cause watchdog)",
	      "node-a: 再起動しました(起動番号 3 から 4、原因 watchdog)");
}

static void a_cause_in_a_cause_is_translated_too(void)
{
	check("camera.main: node-a: interlock: the e-stop loop opened",
	      "camera.main: node-a: インターロック: 非常停止回路が開きました");
	check("in the recording: cam is black: is its lens covered?",
	      "記録中に: cam の映像が真っ黒です。レンズが覆われていないか確認してください");
}

static void what_is_not_known_stays_as_it_is(void)
{
	static const char *const same[] = {"",
					   "x",
					   ": ",
					   "a: b: c: d: e: f: g",
					   "something else altogether",
					   "$1 $2 *",
					   " froze: the first of "};
	for (size_t i = 0; i < G_N_ELEMENTS(same); i++)
		check(same[i], same[i]);
	g_autofree char *colons = g_strnfill(100000, ':');
	check(colons, colons);
	g_autofree char *en = fault_cause_in("en", "cam froze: the first of 15 equal pictures");
	CU_ASSERT_STRING_EQUAL(en, "cam froze: the first of 15 equal pictures");
}

static void sentences_are_translated_one_by_one(void)
{
	g_autofree char *said = fault_causes_in(
		"ja", "unverified: occlusion may hide what they say; checked: the input looks like "
		      "the unperturbed one where they begin, correlation at least 0.58 (at 1.83 s, "
		      "0.50 is asked for)");
	CU_ASSERT_STRING_EQUAL(said,
			       "未確認: occlusion がラベルの内容を隠すおそれがあります; 確認済: "
			       "ラベルの始まりで外乱のない入力に似ています(相関 0.58 以上、1.83 "
			       "s、要求 0.50)");
	g_autofree char *plain = fault_causes_in("en", "a; b");
	CU_ASSERT_STRING_EQUAL(plain, "a; b");
	check("the replay was late: the room.temperature of 1.250 s came 120 ms after its time "
	      "(budget 100 ms)",
	      "再生が遅れました: 1.250 s の room.temperature が 120 ms 遅れました(許容 100 ms)");
}

/* ---- every form that the sources use ---- */

/* The literals that stand side by side at *at, put together; conversions become "7". */
static char *literal(const char **at)
{
	GString *out = g_string_new(NULL);
	const char *c = *at;
	while (*c == '"') {
		for (c++; *c != '"'; c++) {
			if (*c == '%' && c[1] != '%') {
				c += strcspn(c, "diufgxs\"");
				if (*c ==
				    '"') /* its letter is a macro's, between this literal and the next */
					c = strchr(c + 1, '"');
				g_string_append_c(out, '7');
			} else {
				g_string_append_c(out, *c == '%' ? *c++ : *c);
			}
		}
		c++;
		c += strspn(c, " \t\n");
	}
	*at = c;
	return g_string_free(out, FALSE);
}

/* A sentence; not a word that fills one, nor a frame for another's words. */
static bool is_sentence(const char *said)
{
	unsigned words = 0;
	g_auto(GStrv) parts = g_strsplit_set(said, " :", -1);
	for (size_t i = 0; parts[i]; i++)
		words += g_ascii_isalpha(parts[i][0]);
	return words >= 3;
}

/* Every literal among the arguments of each call. */
static unsigned check_calls(const char *path, const char *text, const char *call)
{
	unsigned n = 0;
	for (const char *at = text; (at = strstr(at, call));) {
		at += strlen(call);
		for (int depth = 1; depth > 0 && *at;) {
			if (*at != '"') {
				depth += (*at == '(') - (*at == ')');
				at++;
				continue;
			}
			g_autofree char *said = literal(&at);
			if (!is_sentence(said))
				continue;
			g_autofree char *ja = fault_cause_in("ja", said);
			CU_ASSERT_TRUE(japanese(ja));
			if (!japanese(ja))
				fprintf(stderr, "%s: no Japanese for: %s\n", path, said);
			n++;
		}
	}
	return n;
}

static void every_form_of_the_sources_is_known(void)
{
	static const char *const folders[] = {"device", "adapter", "run", "session", "media"};
	static const char *const calls[] = {"device_host_fault(",
					    "device_host_lost(",
					    "responses_blame(",
					    "live_fault(",
					    "blame(r, now,",
					    "disturb_blame(",
					    "cause = g_strdup_printf(",
					    "g_snprintf(cause, sizeof(cause),"};
	unsigned n = 0;
	for (size_t f = 0; f < G_N_ELEMENTS(folders); f++) {
		g_autofree char *folder =
			g_build_filename(ANZEN_SOURCE_DIR, "host", folders[f], NULL);
		g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
		for (const char *name; dir && (name = g_dir_read_name(dir));) {
			g_autofree char *path = g_build_filename(folder, name, NULL), *text = NULL;
			if (!g_str_has_suffix(name, ".c") ||
			    !g_file_get_contents(path, &text, NULL, NULL))
				continue;
			for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
				n += check_calls(path, text, calls[i]);
		}
	}
	CU_ASSERT_TRUE(n >= 30); /* the search itself works */
}

UNIT_MAIN("model.cause", UNIT(a_cause_is_translated_with_what_it_names),
	  UNIT(a_cause_in_a_cause_is_translated_too), UNIT(what_is_not_known_stays_as_it_is),
	  UNIT(sentences_are_translated_one_by_one), UNIT(every_form_of_the_sources_is_known))
