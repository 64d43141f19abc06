# Warnings are errors in our own code. Headers of libtorch are included as system headers and stay out of it.
function(esper_target_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wdouble-promotion -Wcast-align
    -Wundef -Werror)
endfunction()
