# Compiler settings for everything that runs on the host. firmware/ has its own list: avr-gcc is 5.4.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# Verdicts must repeat bit for bit with the same build: no contraction, no fast-math.
add_compile_options(-ffp-contract=off -fno-fast-math -fno-omit-frame-pointer)
add_compile_options(
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings
  -Wcast-qual -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -Wdouble-promotion -Wswitch-enum
  -Wnull-dereference -Wconversion -Wno-sign-conversion)
if(CMAKE_C_COMPILER_ID MATCHES Clang)
  add_compile_options(-Wno-double-promotion) # glibc's NAN and INFINITY are floats; gcc knows better
endif()
add_compile_definitions(_GNU_SOURCE)
if(ANZEN_WERROR)
  add_compile_options(-Werror)
endif()
if(ANZEN_SANITIZE)
  add_compile_options(-fsanitize=${ANZEN_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ANZEN_SANITIZE})
endif()
if(ANZEN_FUZZ)
  # Every library carries coverage counters; only the targets of anzen_fuzz() link libFuzzer's main.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=fuzzer-no-link,address,undefined)
endif()
