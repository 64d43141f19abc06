# Builds the CUDA kernels into a library as text and, where a clang with the NVPTX back end is there, as PTX. Neither a
# CUDA toolkit nor a GPU is needed for it.

# Sets ESPER_CUDA_CLANG to a clang that makes PTX for capability 8.0, or to NOTFOUND.
function(esper_find_cuda_clang)
  if(DEFINED CACHE{ESPER_CUDA_CLANG} AND NOT ESPER_CUDA_CLANG STREQUAL "ESPER_CUDA_CLANG-NOTFOUND")
    return()
  endif()
  set(probe ${CMAKE_BINARY_DIR}/cuda_probe.cu)
  file(WRITE ${probe} "extern \"C\" __attribute__((global)) void probe(float* x) { *x = 1.0F; }\n")
  set(chosen ESPER_CUDA_CLANG-NOTFOUND)
  foreach(name IN ITEMS clang++-14 clang++-15 clang++-16 clang++-17 clang++-18 clang++-19 clang++-20 clang++ clang-14)
    find_program(candidate ${name} NO_CACHE)
    if(candidate)
      execute_process(COMMAND ${candidate} ${ESPER_PTX_OPTIONS} -o ${probe}.ptx ${probe}
        RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
      if(result EQUAL 0)
        set(chosen ${candidate})
        break()
      endif()
    endif()
    unset(candidate)
  endforeach()
  set(ESPER_CUDA_CLANG ${chosen} CACHE FILEPATH "clang that compiles the CUDA kernels to PTX" FORCE)
endfunction()

# PTX 7.0 is the first for capability 8.0, and every driver since CUDA 11.0 takes it.
set(ESPER_PTX_OPTIONS -x cuda --cuda-device-only -nocudainc -nocudalib --cuda-gpu-arch=sm_80 -Xclang -target-feature
  -Xclang +ptx70 -std=c++17 -O3 -S)

# esper_embed_cuda_kernels(target TOP file SOURCES file...): adds the generated file to target. There is PTX in
# it if ESPER_CUDA_CLANG names a compiler.
function(esper_embed_cuda_kernels target)
  cmake_parse_arguments(arg "" "TOP" "SOURCES" ${ARGN})
  list(SORT arg_SOURCES)
  esper_find_cuda_clang()
  set(ptx "")
  if(ESPER_CUDA_CLANG)
    set(storage 0)
    foreach(name IN ITEMS float32 float16 bfloat16)
      set(output ${CMAKE_CURRENT_BINARY_DIR}/esper_${name}.ptx)
      add_custom_command(OUTPUT ${output}
        COMMAND ${ESPER_CUDA_CLANG} ${ESPER_PTX_OPTIONS} -DESPER_STORAGE=${storage} -o ${output} ${arg_TOP}
        DEPENDS ${arg_SOURCES} COMMENT "PTX for ${name}" VERBATIM)
      list(APPEND ptx ${output})
      math(EXPR storage "${storage} + 1")
    endforeach()
  else()
    message(NOTICE "No clang with the NVPTX back end: libesper carries no PTX, and its CUDA kernels need NVRTC. "
      "Debian's clang-14 would do.")
  endif()
  list(JOIN arg_SOURCES "," sources)
  list(JOIN ptx "," ptx_files)
  cmake_path(GET arg_TOP PARENT_PATH base)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/esper_cuda_kernels.cpp)
  add_custom_command(OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -D OUTPUT=${generated} -D BASE=${base} -D SOURCES=${sources} -D PTX=${ptx_files}
      -P ${PROJECT_SOURCE_DIR}/cmake/EsperEmbed.cmake
    DEPENDS ${arg_SOURCES} ${ptx} ${PROJECT_SOURCE_DIR}/cmake/EsperEmbed.cmake
    COMMENT "CUDA kernels as text" VERBATIM)
  target_sources(${target} PRIVATE ${generated})
endfunction()
