# Installs the build into a folder of its own, builds a program outside the tree against it and runs
# it; then runs the installed `orkestra` from there. Expects BUILD, SOURCE, WORK, FLAGS.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(NOT status EQUAL 0)
    string(REPLACE ";" " " shown "${ARGN}")
    message(FATAL_ERROR "exit ${status}: ${shown}\n${out}")
  endif()
  set(output "${out}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE}/tests/install/consumer -B ${WORK}/consumer
    -DCMAKE_PREFIX_PATH=${WORK}/prefix -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS=${FLAGS}")
run(${CMAKE_COMMAND} --build ${WORK}/consumer)
run(${WORK}/consumer/consumer ${SOURCE}/tests/install/consumer/script.jsonl ${WORK}/store.db)
if(NOT output MATCHES "verified: The sum of 19 and 23 is 42")
  message(FATAL_ERROR "the consumer said: ${output}")
endif()

set(sales ${SOURCE}/examples/sales)
run(${WORK}/prefix/bin/orkestra run "What is the balance of the customer Honrit?"
    --db ${sales}/sales.db --queries ${sales}/queries.sql --store ${WORK}/store.db)
if(NOT output MATCHES "verified")
  message(FATAL_ERROR "the installed program said: ${output}")
endif()
