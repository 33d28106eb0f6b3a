/* Numbered messages: message k is 4 + k % 61 bytes, its number, then k + 4, k + 5, … */
#ifndef ANZEN_TESTS_PROTOCOL_NUMBERED_H
#define ANZEN_TESTS_PROTOCOL_NUMBERED_H

#include <anzen/protocol.h>

static bool numbered_right(uint32_t k, const uint8_t *bytes, uint8_t n)
{
	bool right = n == 4 + k % 61 && proto_get32(bytes) == k;
	for (uint8_t i = 4; i < n; i++)
		right &= bytes[i] == (uint8_t)(k + i);
	return right;
}

/* False: the link has no room for it now. */
static bool numbered_post(ProtoLink *link, uint32_t k)
{
	uint8_t bytes[PROTO_PAYLOAD];
	proto_put32(bytes, k);
	for (uint8_t i = 4; i < PROTO_PAYLOAD; i++)
		bytes[i] = (uint8_t)(k + i);
	return proto_link_post(link, bytes, (uint8_t)(4 + k % 61));
}

#endif
