# The floors of host/: a module may use only modules that stand on a lower floor.
#
#   anzen_module(rig FLOOR 5 USES device session LIBS PkgConfig::GLIB)
#
# builds every .c in the calling folder as the static library anzen_rig, shows others nothing but
# host/rig/include, and links what it uses PRIVATEly, so that a user of rig that wants device must say so
# itself. An upward (or sideways) use is a configure error.
#
#   anzen_test(stl monitor SOURCES monitor_test.c USES stl LIBS m TIMEOUT 60 LABELS paced)
#
# builds tests/stl/... as the CTest `stl.monitor` with the label `stl`.

function(anzen_pkg target)
  pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
endfunction()

function(anzen_module name)
  cmake_parse_arguments(M "" "FLOOR" "USES;LIBS;SOURCES" ${ARGN})
  if(NOT DEFINED M_FLOOR)
    message(FATAL_ERROR "anzen_module(${name}): FLOOR is missing")
  endif()
  set_property(GLOBAL PROPERTY anzen_floor_${name} ${M_FLOOR})
  if(M_FLOOR GREATER 0)
    list(APPEND M_USES base)
  endif()
  if(M_FLOOR GREATER 1)
    list(APPEND M_USES model)
  endif()
  list(REMOVE_DUPLICATES M_USES)
  if(NOT M_SOURCES)
    file(GLOB M_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  endif()
  if(NOT M_SOURCES) # only a header so far: others already program against it
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/header_only.c "extern int header_only;\n")
    set(M_SOURCES ${CMAKE_CURRENT_BINARY_DIR}/header_only.c)
  endif()
  add_library(anzen_${name} STATIC ${M_SOURCES})
  target_include_directories(anzen_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include)
  target_compile_definitions(anzen_${name} PRIVATE G_LOG_DOMAIN="${name}")
  foreach(used IN LISTS M_USES)
    get_property(floor GLOBAL PROPERTY anzen_floor_${used})
    if(NOT DEFINED floor OR floor STREQUAL "")
      message(FATAL_ERROR "anzen_module(${name}): uses '${used}', which is not defined on a lower floor")
    endif()
    if(NOT floor LESS M_FLOOR)
      message(FATAL_ERROR "anzen_module(${name}) on floor ${M_FLOOR} may not use '${used}' on floor ${floor}")
    endif()
    target_link_libraries(anzen_${name} PRIVATE anzen_${used})
  endforeach()
  target_link_libraries(anzen_${name} PRIVATE PkgConfig::GLIB Threads::Threads m ${M_LIBS})
endfunction()

function(anzen_test module name)
  cmake_parse_arguments(T "PACED" "TIMEOUT" "SOURCES;USES;LIBS;LABELS;ENV" ${ARGN})
  set(target test-${module}-${name})
  add_executable(${target} ${T_SOURCES})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_definitions(${target} PRIVATE
    G_LOG_DOMAIN="test" ANZEN_SOURCE_DIR="${CMAKE_SOURCE_DIR}" ANZEN_BINARY_DIR="${CMAKE_BINARY_DIR}"
    ANZEN_DATA_DIR="${CMAKE_SOURCE_DIR}/../shared/data")
  foreach(used IN LISTS T_USES)
    target_link_libraries(${target} PRIVATE anzen_${used})
  endforeach()
  target_link_libraries(${target} PRIVATE anzen_model anzen_base PkgConfig::GLIB PkgConfig::CUNIT Threads::Threads m ${T_LIBS})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  add_test(NAME ${module}.${name} COMMAND ${target})
  set_tests_properties(${module}.${name} PROPERTIES
    LABELS "${module};${T_LABELS}" TIMEOUT ${T_TIMEOUT} SKIP_RETURN_CODE 77)
  if(T_PACED)
    set_tests_properties(${module}.${name} PROPERTIES RUN_SERIAL ON)
  endif()
  if(T_ENV)
    set_tests_properties(${module}.${name} PROPERTIES ENVIRONMENT "${T_ENV}")
  endif()
endfunction()
