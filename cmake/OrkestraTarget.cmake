# orkestra_target(NAME): the project's warnings, sanitizers and precompiled header on one target.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Werror -ffp-contract=off -fno-math-errno)
# Options aggregates leave members at their defaults on purpose.
add_compile_options(-Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  # False positives inside std::string and std::optional (GCC bugs 105329, 105562, 105651).
  add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-restrict
                      -Wno-array-bounds)
endif()
if(ORKESTRA_SANITIZE)
  add_compile_options(-fsanitize=${ORKESTRA_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ORKESTRA_SANITIZE})
  if(ORKESTRA_SANITIZE MATCHES "thread")
    # The thread sanitizer knows no fences; Asio's own locks order everything without them.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()

# orkestra_library(NAME SOURCES... DEPENDS...): a static layer library named orkestra_NAME.
function(orkestra_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(orkestra_${name} STATIC ${ARG_SOURCES})
  set_target_properties(orkestra_${name} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY ORKESTRA_LIBRARIES orkestra_${name})
  target_compile_features(orkestra_${name} PUBLIC cxx_std_20)
  target_include_directories(orkestra_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_BINARY_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(orkestra_${name} PUBLIC nlohmann_json::nlohmann_json Threads::Threads
                        ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  orkestra_precompile(orkestra_${name})
endfunction()

# The heavy headers nearly every file sees. ccache needs the sloppiness set by ./dev.
function(orkestra_precompile target)
  target_precompile_headers(${target} PRIVATE <algorithm> <cstdint> <functional> <map> <memory>
                            <string> <string_view> <vector> <nlohmann/json.hpp>)
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Winvalid-pch>)
endfunction()
