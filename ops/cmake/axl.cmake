# The three kinds of target in this tree. Include directories travel with the libraries, so a header
# can be included only by a target that names its library: the build enforces the layering.
include(CMakeParseArguments)

# axl_library(name SOURCES … [INCLUDE dirs…] [DEPS libs…])
function(axl_library name)
  cmake_parse_arguments(A "" "" "SOURCES;INCLUDE;DEPS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  target_include_directories(${name} PUBLIC ${A_INCLUDE})
  target_link_libraries(${name} PUBLIC ${A_DEPS})
endfunction()

# axl_program(name SOURCES … DEPS …): into build/<preset>/bin
function(axl_program name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# axl_unit_test(name SOURCES … DEPS … [LABELS …]): a cmocka program that ctest runs
function(axl_unit_test name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE ${A_DEPS} PkgConfig::CMOCKA)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "unit;${A_LABELS}")
endfunction()
