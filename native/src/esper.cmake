# libesper: kernels on raw memory, seed state and CPU dispatch. Depends on nothing but the C++ runtime.
find_package(Threads REQUIRED)

# The code itself, also linked by the tests that look behind the C ABI.
add_library(esper_core OBJECT
  abi/context_abi.cpp
  abi/cuda_abi.cpp
  abi/error.cpp
  abi/info.cpp
  abi/lattice_abi.cpp
  abi/optimizer_abi.cpp
  abi/seed_store_abi.cpp
  cpu/affinity.cpp
  cpu/backward_plan.cpp
  cpu/backward_sums.cpp
  cpu/context.cpp
  cpu/cpu_features.cpp
  cpu/environment.cpp
  cpu/image_task.cpp
  cpu/kernels.cpp
  cpu/kernels_scalar.cpp
  cpu/lattice_backward.cpp
  cpu/lattice_forward.cpp
  cpu/optimizer_step.cpp
  cpu/packing.cpp
  cpu/partition.cpp
  cpu/seed_task.cpp
  cpu/thread_pool.cpp
  cuda/device_lattice.cpp
  cuda/device_memory.cpp
  cuda/digest.cpp
  cuda/driver.cpp
  cuda/engine.cpp
  cuda/image.cpp
  cuda/image_cache.cpp
  cuda/nvrtc.cpp
  cuda/nvrtc_search.cpp
  cuda/optimizer_launch.cpp
  cuda/placement.cpp
  cuda/plan.cpp
  cuda/shared_library.cpp
  cuda/work_list.cpp
  layout/blueprint.cpp
  layout/lattice.cpp
  layout/lifecycle.cpp
  layout/row_checksum.cpp
  layout/seed_mirror.cpp
  layout/seed_store.cpp
  layout/sequence.cpp
  layout/stage_index.cpp
  optimizer/segments.cpp
  reference/reference.cpp
  reference/reference_image.cpp
  reference/reference_module.cpp)

# Contraction is spelled out as fma in the kernels, so that every build rounds alike.
set(ESPER_KERNEL_OPTIONS -ffp-contract=off -fno-math-errno $<$<NOT:$<CONFIG:Debug>>:-O3>)
set_source_files_properties(cpu/kernels_scalar.cpp PROPERTIES
  COMPILE_OPTIONS "${ESPER_KERNEL_OPTIONS};${ESPER_ISA_SCALAR_FLAGS}")
# The rates of an optimizer step are part of its bits.
set_source_files_properties(optimizer/segments.cpp PROPERTIES COMPILE_OPTIONS -ffp-contract=off)
if(ESPER_ISA_X86)
  target_sources(esper_core PRIVATE cpu/kernels_avx2.cpp cpu/kernels_avx512.cpp layout/row_checksum_sse42.cpp)
  set_source_files_properties(layout/row_checksum_sse42.cpp PROPERTIES COMPILE_OPTIONS "${ESPER_ISA_SSE42_FLAGS}")
  set_source_files_properties(cpu/kernels_avx2.cpp PROPERTIES
    COMPILE_OPTIONS "${ESPER_KERNEL_OPTIONS};${ESPER_ISA_AVX2_FLAGS}")
  # GCC reports the deliberately undefined operands inside its own AVX-512 intrinsics (GCC bug 105593).
  set_source_files_properties(cpu/kernels_avx512.cpp PROPERTIES
    COMPILE_OPTIONS "${ESPER_KERNEL_OPTIONS};${ESPER_ISA_AVX512_FLAGS};-Wno-uninitialized;$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>")
  target_compile_definitions(esper_core PRIVATE ESPER_ISA_X86=1)
else()
  target_compile_definitions(esper_core PRIVATE ESPER_ISA_X86=0)
endif()

# The CUDA kernels travel inside the library, as text for NVRTC and as PTX.
file(GLOB ESPER_CUDA_SOURCES CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/cuda/kernels/*.cuh ${CMAKE_CURRENT_SOURCE_DIR}/cuda/*tables.h)
esper_embed_cuda_kernels(esper_core TOP ${CMAKE_CURRENT_SOURCE_DIR}/cuda/kernels/image.cuh SOURCES ${ESPER_CUDA_SOURCES})
set_source_files_properties(abi/info.cpp PROPERTIES COMPILE_DEFINITIONS ESPER_HAS_PTX=$<BOOL:${ESPER_CUDA_CLANG}>)

target_include_directories(esper_core
  PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/../include
  PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(esper_core PRIVATE
  ESPER_BUILD
  ESPER_VERSION_TEXT="${PROJECT_VERSION}"
  ESPER_BUILD_TEXT="$<IF:$<BOOL:${CMAKE_BUILD_TYPE}>,${CMAKE_BUILD_TYPE},unspecified>")
target_link_libraries(esper_core PUBLIC Threads::Threads ${CMAKE_DL_LIBS})
esper_target_warnings(esper_core)

add_library(esper SHARED)
add_library(esper::esper ALIAS esper)
target_link_libraries(esper PRIVATE esper_core Threads::Threads ${CMAKE_DL_LIBS})
target_include_directories(esper PUBLIC
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/native/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(esper PROPERTIES OUTPUT_NAME esper LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION} SOVERSION ${ESPER_ABI_VERSION})
if(UNIX AND NOT APPLE)
  target_link_options(esper PRIVATE
    "LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/esper.map" LINKER:--no-undefined)
  set_target_properties(esper PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/esper.map)
endif()
esper_install_library(esper esper)
