/* Two bytes: the length of a FileDescriptorSet; the set; a message of its type T. With a length of 0 the message is JSON. */
#include "import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	if (size < 2 || size > MOST_BYTES)
		return 0;
	size_t n = MIN((size_t)le16(data), size - 2);
	if (n == 0) {
		import_fuzz_message(NULL, WIRE_OF_JSON, data + 2, size - 2);
		return 0;
	}
	g_autoptr(TypeSet) set = proto_descriptor_parse(data + 2, n, &error);
	g_assert(!set == (error != NULL));
	const MessageType *type = type_set_find(set, "T");
	if (type && !message_type_missing(type))
		import_fuzz_message(type, WIRE_OF_PROTOBUF, data + 2 + n, size - 2 - n);
	return 0;
}
