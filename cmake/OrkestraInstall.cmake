# cmake --install: the program, its data, and the SDK (libraries, public headers, CMake package).
include(CMakePackageConfigHelpers)

# What a program on the SDK may include; everything else stays in the source tree.
set(public_headers
  agent/agent.h
  core/clock.h
  core/conversation.h
  core/error.h
  core/evidence.h
  core/json.h
  core/json_schema.h
  core/limits.h
  core/tool_types.h
  model/constraint.h
  model/language_model.h
  planner/budget.h
  planner/journal.h
  planner/replay.h
  planner/run_control.h
  planner/run_state.h
  planner/verify/outline.h
  planner/verify/requirement.h
  planner/verify/verifier.h
  plugins/orkestra_plugin.h
  retrieval/embedder.h
  retrieval/passage.h
  retrieval/source_files.h
  retrieval/store.h
  retrieval/structure.h
  tools/document_search.h
  tools/function_tool.h
  tools/policy.h
  tools/tool.h)
foreach(header ${public_headers})
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/orkestra/${folder})
endforeach()

get_property(libraries GLOBAL PROPERTY ORKESTRA_LIBRARIES)
install(TARGETS ${libraries} EXPORT orkestraTargets)
install(EXPORT orkestraTargets NAMESPACE orkestra::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/orkestra)
configure_package_config_file(
  cmake/orkestraConfig.cmake.in ${CMAKE_BINARY_DIR}/orkestraConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/orkestra
  PATH_VARS CMAKE_INSTALL_DATADIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/orkestraConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/orkestraConfig.cmake
              ${CMAKE_BINARY_DIR}/orkestraConfigVersion.cmake cmake/OrkestraDependencies.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/orkestra)

install(TARGETS orkestra)
# Children that the library starts (core/helper_program.h).
install(TARGETS orkestra-sandbox orkestra-plugin-host
        DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/orkestra)
install(DIRECTORY ${CMAKE_BINARY_DIR}/share/orkestra DESTINATION ${CMAKE_INSTALL_DATADIR})
