# orkestra_embed_texts(TARGET OUTPUT FILES...): a C++ file with {name, text} rows of the files,
# for data that must travel inside the program. Included as "OUTPUT" by one source of TARGET.
function(orkestra_embed_texts target output)
  set(rows "")
  foreach(file ${ARGN})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} text)
    string(REGEX REPLACE "\n$" "" text "${text}")
    string(APPEND rows "{\"${name}\", R\"~~~(${text})~~~\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${output} CONTENT "${rows}" @ONLY)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
