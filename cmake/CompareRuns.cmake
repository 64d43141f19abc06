# Checks the summaries that two runs of the same configuration printed: every expected key is there, and what must not
# differ between runs does not. Usage: cmake -D FIRST=a.json -D SECOND=b.json -P CompareRuns.cmake
cmake_minimum_required(VERSION 3.25)

set(keys run_id outcome host dataset policy seed threads epochs parameters_initial parameters_final accuracy_final
  loss_final accuracy_per_epoch loss_per_epoch train_flops step_ms_median seconds parameters_digest directory seeds)
set(reproducible host dataset policy seed threads epochs parameters_initial parameters_final accuracy_final loss_final
  accuracy_per_epoch loss_per_epoch train_flops parameters_digest seeds)

foreach(side IN ITEMS FIRST SECOND)
  file(READ "${${side}}" document)
  foreach(key IN LISTS keys)
    string(JSON ${side}_${key} ERROR_VARIABLE problem GET "${document}" ${key})
    if(problem)
      message(FATAL_ERROR "${${side}}: '${key}' cannot be read: ${problem}")
    endif()
  endforeach()
  string(JSON count LENGTH "${document}" accuracy_per_epoch)
  if(NOT count EQUAL ${side}_epochs)
    message(FATAL_ERROR "${${side}}: ${count} accuracies for ${${side}_epochs} epochs")
  endif()
  if(NOT ${side}_outcome STREQUAL "Completed")
    message(FATAL_ERROR "${${side}}: the outcome is '${${side}_outcome}', not 'Completed'")
  endif()
  if(NOT ${side}_parameters_digest MATCHES "^[0-9a-fA-F]+$")
    message(FATAL_ERROR "${${side}}: '${${side}_parameters_digest}' is no digest")
  endif()
endforeach()

foreach(key IN LISTS reproducible)
  if(NOT "${FIRST_${key}}" STREQUAL "${SECOND_${key}}")
    message(FATAL_ERROR "Two runs of one configuration differ in '${key}':\n${FIRST_${key}}\n${SECOND_${key}}")
  endif()
endforeach()
message(STATUS "Both runs agree; parameters ${FIRST_parameters_digest}, accuracies ${FIRST_accuracy_per_epoch}")
