# Compiler flags of each instruction set. Only the translation units of that set are compiled with them, so that the
# library loads and dispatches on any x86-64; other architectures build the scalar path alone.
set(ESPER_ISA_SCALAR_FLAGS "")
set(ESPER_ISA_SSE42_FLAGS -msse4.2)
set(ESPER_ISA_AVX2_FLAGS -mavx2 -mfma -mf16c)
set(ESPER_ISA_AVX512_FLAGS -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(ESPER_ISA_X86 ON)
else()
  set(ESPER_ISA_X86 OFF)
endif()
