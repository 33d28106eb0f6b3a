#include "unit.h"

#include "responses.h"
#include "sink.h"

static ResponseRule *alarm_rule(void)
{
	ResponseRule *rule = response_rule_new("product.alarm");
	rule->when = (ResponseMatch){g_strdup("$.type"), g_strdup("fall")};
	rule->clears = (ResponseMatch){g_strdup("$.type"), g_strdup("cleared")};
	g_hash_table_insert(rule->claims, g_strdup("time"), g_strdup("$.detected_at"));
	return rule;
}

static void take(Responses *r, const char *text, int64_t t_ns)
{
	responses_take(r, text, strlen(text), t_ns);
}

static void alarm_rises_clears_and_claims_are_kept_apart(void)
{
	Sink *sink = sink_new();
	g_autoptr(GPtrArray) rules =
		g_ptr_array_new_with_free_func((GDestroyNotify)response_rule_free);
	g_ptr_array_add(rules, alarm_rule());
	Responses r = {.rules = rules, .sink = &sink->stream, .max_rate = 100};
	take(&r, "{\"type\":\"fall\",\"detected_at\":12.5}", 1000);
	CU_ASSERT_EQUAL(sink_last(sink, "product.alarm"), 1.0);
	CU_ASSERT_EQUAL(sink_last(sink, "product.alarm.time"), 12.5);
	CU_ASSERT_EQUAL(g_array_index(sink->samples, SinkSample, 0).t_ns, 1000);
	take(&r, "{\"type\":\"other\"}", 2000);
	CU_ASSERT_EQUAL(sink_last(sink, "product.alarm"), 1.0);
	CU_ASSERT_EQUAL(r.undeclared, 1);
	CU_ASSERT_STRING_EQUAL(r.example, "{\"type\":\"other\"}");
	take(&r, "{\"type\":\"cleared\"}", 3000);
	CU_ASSERT_EQUAL(sink_last(sink, "product.alarm"), 0.0);
	CU_ASSERT_EQUAL(r.undeclared, 1);
	CU_ASSERT_EQUAL(sink->faults->len, 0);
	sink_free(sink);
}

static void garbage_is_the_products_fault_once_and_the_bench_goes_on(void)
{
	Sink *sink = sink_new();
	g_autoptr(GPtrArray) rules =
		g_ptr_array_new_with_free_func((GDestroyNotify)response_rule_free);
	g_ptr_array_add(rules, alarm_rule());
	Responses r = {.rules = rules, .sink = &sink->stream, .max_rate = 100};
	take(&r, "{\"type\":", 1);
	take(&r, "[1,2]", 2);
	take(&r, "\xff\xfe", 3);
	CU_ASSERT_EQUAL(sink->faults->len, 1);
	CU_ASSERT_EQUAL(sink->last_blame, BLAME_PRODUCT);
	CU_ASSERT_EQUAL(r.garbage, 3);
	take(&r, "{\"type\":\"fall\"}", 4);
	CU_ASSERT_EQUAL(sink_last(sink, "product.alarm"), 1.0);
	sink_free(sink);
}

static void flood_is_cut_to_the_declared_rate_and_blamed(void)
{
	Sink *sink = sink_new();
	g_autoptr(GPtrArray) rules =
		g_ptr_array_new_with_free_func((GDestroyNotify)response_rule_free);
	g_ptr_array_add(rules, alarm_rule());
	Responses r = {.rules = rules, .sink = &sink->stream, .max_rate = 100};
	for (int i = 0; i < 1000; i++)
		take(&r, "{\"type\":\"fall\"}", CLOCK_S + i);
	CU_ASSERT_EQUAL(r.messages, 100);
	CU_ASSERT_EQUAL(r.over_rate, 900);
	CU_ASSERT_EQUAL(sink->samples->len, 100);
	CU_ASSERT_EQUAL(sink->faults->len, 1);
	take(&r, "{\"type\":\"cleared\"}", 3 * CLOCK_S); /* a new second */
	CU_ASSERT_EQUAL(sink_last(sink, "product.alarm"), 0.0);
	sink_free(sink);
}

static void what_is_said_in_one_breath_stands_in_order(void)
{
	g_autoptr(GHashTable) last = responses_order_new();
	int64_t t = 1000;
	CU_ASSERT_TRUE(responses_order(last, "product.alarm", 1, &t));
	CU_ASSERT_EQUAL(t, 1000);
	CU_ASSERT_FALSE(
		responses_order(last, "product.alarm", 1, &t)); /* the same, again: nothing new */
	CU_ASSERT_TRUE(responses_order(last, "product.alarm", 0, &t)); /* fell in the same packet */
	CU_ASSERT_EQUAL(t, 1001);
	t = 1000;
	CU_ASSERT_TRUE(responses_order(last, "product.card", 1, &t)); /* each signal by itself */
	CU_ASSERT_EQUAL(t, 1000);
}

/* Two heartbeats 0.3 ms apart: the first one's fall, at 1 ms, must not stand behind the second one's rise. */
static void heartbeats_within_a_pulse_keep_their_order(void)
{
	g_autoptr(GHashTable) last = responses_order_new();
	int64_t before = -1;
	for (int beat = 0; beat < 2; beat++)
		for (int up = 1; up >= 0; up--) {
			int64_t t = beat * 300000 + (up ? 0 : RESPONSE_PULSE_NS);
			CU_ASSERT_TRUE(responses_order(last, "product.heartbeat", up, &t));
			CU_ASSERT_TRUE(t > before);
			before = t;
		}
	CU_ASSERT_EQUAL(before, 300000 + RESPONSE_PULSE_NS);
}

static void collect(void *user, const char *text, gsize length)
{
	g_string_append_len(user, text, (gssize)length);
	g_string_append_c(user, '|');
}

/* Examples of the HTML Living Standard, 9.2.6: comments are ignored, one leading space is dropped, data lines are
 * joined by line feeds, an event without data is not dispatched. */
static void event_stream_is_read_as_the_standard_says(void)
{
	g_autoptr(GString) got = g_string_new(NULL);
	SseParser p;
	sse_init(&p, 1024, collect, got);
	const char *text = ": test stream\n\ndata: first event\nid: 1\n\ndata:second "
			   "event\nid\n\ndata:  third\r\n\r\n"
			   "data: YHOO\ndata: +2\n\nevent: x\n\n";
	for (const char *c = text; *c; c++) /* in the smallest pieces */
		CU_ASSERT_TRUE(sse_feed(&p, c, 1));
	CU_ASSERT_STRING_EQUAL(got->str, "first event|second event| third|YHOO\n+2|");
	sse_clear(&p);
}

static void endless_line_is_refused_at_the_cap(void)
{
	g_autoptr(GString) got = g_string_new(NULL);
	SseParser p;
	sse_init(&p, 64, collect, got);
	bool ok = true;
	for (int i = 0; i < 100 && ok; i++)
		ok = sse_feed(&p, "xxxx", 4);
	CU_ASSERT_FALSE(ok);
	CU_ASSERT_TRUE(p.line->len <= 65);
	sse_clear(&p);
}

UNIT_MAIN("adapter.responses", UNIT(alarm_rises_clears_and_claims_are_kept_apart),
	  UNIT(garbage_is_the_products_fault_once_and_the_bench_goes_on),
	  UNIT(flood_is_cut_to_the_declared_rate_and_blamed),
	  UNIT(what_is_said_in_one_breath_stands_in_order),
	  UNIT(heartbeats_within_a_pulse_keep_their_order),
	  UNIT(event_stream_is_read_as_the_standard_says), UNIT(endless_line_is_refused_at_the_cap))
