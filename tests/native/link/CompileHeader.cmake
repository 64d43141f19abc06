# Compiles HEADER alone, twice included, with every warning an error.
if(LANGUAGE STREQUAL "c")
  set(compiler ${C_COMPILER} -x c -std=c11)
else()
  set(compiler ${CXX_COMPILER} -x c++ -std=c++17)
endif()
set(source ${WORK}/${HEADER}.${LANGUAGE})
file(WRITE ${source} "#include <esper/${HEADER}>\n#include <esper/${HEADER}>\nint main(void) { return 0; }\n")
execute_process(COMMAND ${compiler} -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I ${INCLUDE} ${source}
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "esper/${HEADER} does not compile on its own")
endif()
