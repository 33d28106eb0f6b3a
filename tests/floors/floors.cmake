# The promise of ARCHITECTURE.md, tried out: a module may use lower floors only, and only what it says it uses.
#
#   cmake -DCASE=upward -DSOURCE=… -DWORK=… -P floors.cmake
#
# Four modules: base (0), model (1), low (2), high (5) and beside (5). `downward` is the positive control: the same sources,
# used as they may be, configure and build. In the other cases exactly one thing is wrong.

file(REMOVE_RECURSE ${WORK})

function(module name uses text)
  file(WRITE ${WORK}/${name}/include/anzen/${name}.h "int ${name}_number(void);\n")
  file(WRITE ${WORK}/${name}/${name}.c "${text}\nint ${name}_number(void);\nint ${name}_number(void) { return 1; }\n")
  string(REPLACE ";" " " uses "${uses}")
  if(name STREQUAL "base")
    set(floor 0)
  elseif(name STREQUAL "model")
    set(floor 1)
  elseif(name STREQUAL "low")
    set(floor 2)
  else()
    set(floor 5)
  endif()
  file(WRITE ${WORK}/${name}/CMakeLists.txt "anzen_module(${name} FLOOR ${floor} USES ${uses})\n")
endfunction()

set(low_uses "")
set(high_uses low)
set(order base model low beside high)
if(CASE STREQUAL "upward")
  set(low_uses high)
  set(order base model high low beside) # even when high stands before it
  set(high_uses "")
elseif(CASE STREQUAL "sideways")
  set(high_uses low beside)
elseif(CASE STREQUAL "unknown")
  set(high_uses low nothing)
elseif(CASE STREQUAL "include")
  set(high_uses "") # includes low.h all the same
endif()

module(base "" "")
module(model "" "")
module(low "${low_uses}" "")
module(beside low "#include <anzen/low.h>")
module(high "${high_uses}" "#include <anzen/low.h>")
if(CASE STREQUAL "upward")
  module(high "" "")
endif()

set(subdirectories "")
foreach(name IN LISTS order)
  string(APPEND subdirectories "add_subdirectory(${name})\n")
endforeach()
file(WRITE ${WORK}/CMakeLists.txt "cmake_minimum_required(VERSION 3.25)
project(floors LANGUAGES C)
list(APPEND CMAKE_MODULE_PATH ${SOURCE}/cmake)
include(AnzenCompiler)
include(AnzenModule)
anzen_pkg(GLIB glib-2.0)
${subdirectories}")

execute_process(COMMAND ${CMAKE_COMMAND} -G Ninja -S ${WORK} -B ${WORK}/build
  RESULT_VARIABLE configured OUTPUT_VARIABLE out ERROR_VARIABLE err)
if(configured EQUAL 0)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build
    RESULT_VARIABLE built OUTPUT_VARIABLE build_out ERROR_VARIABLE build_err)
endif()

function(expect_configure_error text)
  string(REGEX REPLACE "[ \n]+" " " flat "${err}") # CMake folds its messages
  string(FIND "${flat}" "${text}" found)
  if(configured EQUAL 0 OR found EQUAL -1)
    message(FATAL_ERROR "${CASE}: expected a configure error with \"${text}\", got ${configured}:\n${out}${err}")
  endif()
endfunction()

if(CASE STREQUAL "downward")
  if(NOT configured EQUAL 0 OR NOT built EQUAL 0)
    message(FATAL_ERROR "downward: should configure and build:\n${out}${err}${build_out}${build_err}")
  endif()
elseif(CASE STREQUAL "upward")
  expect_configure_error("anzen_module(low) on floor 2 may not use 'high' on floor 5")
elseif(CASE STREQUAL "sideways")
  expect_configure_error("anzen_module(high) on floor 5 may not use 'beside' on floor 5")
elseif(CASE STREQUAL "unknown")
  expect_configure_error("uses 'nothing', which is not defined on a lower floor")
elseif(CASE STREQUAL "include")
  string(FIND "${build_out}" "anzen/low.h: No such file" found)
  if(NOT configured EQUAL 0 OR built EQUAL 0 OR found EQUAL -1)
    message(FATAL_ERROR "include: expected a build error about anzen/low.h:\n${out}${err}${build_out}${build_err}")
  endif()
else()
  message(FATAL_ERROR "no case '${CASE}'")
endif()
