# What 'cmake --install' makes of the libraries: versioned shared libraries, headers, a CMake package and pkg-config
# files. Nothing in them names the machine or the folder that they were built in. docs/linking.md is their manual.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# A program is bound to the version of the C interface (the SONAME), which its header states.
function(esper_read_abi_version variable header macro)
  set(path "${PROJECT_SOURCE_DIR}/native/include/esper/${header}")
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${path}")
  file(STRINGS "${path}" line REGEX "^#define ${macro} [0-9]+$")
  if(NOT line MATCHES "([0-9]+)$")
    message(FATAL_ERROR "${path} does not define ${macro}")
  endif()
  set(${variable} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()
esper_read_abi_version(ESPER_ABI_VERSION esper.h ESPER_ABI_VERSION)
esper_read_abi_version(ESPER_HOST_ABI_VERSION esper_host.h ESPER_HOST_ABI_VERSION)

set(ESPER_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/esper)

# Installs a library as component and target esper::<component>.
function(esper_install_library target component)
  if(NOT ESPER_INSTALL)
    return()
  endif()
  install(TARGETS ${target} EXPORT esper_${component}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(EXPORT esper_${component} NAMESPACE esper:: DESTINATION ${ESPER_PACKAGE_DIR} FILE ${component}Targets.cmake)
endfunction()

function(esper_install_pkgconfig name)
  # The prefix as seen from the .pc file, so that the tree can be moved.
  file(RELATIVE_PATH ESPER_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
  string(REGEX REPLACE "/$" "" ESPER_PC_PREFIX "${ESPER_PC_PREFIX}")
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/package/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

function(esper_install_package)
  set(headers native/include/esper/esper.h)
  if(ESPER_BUILD_HOST)
    list(APPEND headers native/include/esper/esper_host.h native/include/esper/torch.hpp)
    esper_install_pkgconfig(esper_host)
  endif()
  install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/esper)
  esper_install_pkgconfig(esper)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/esperConfig.cmake.in
    ${PROJECT_BINARY_DIR}/package/esperConfig.cmake INSTALL_DESTINATION ${ESPER_PACKAGE_DIR}
    NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/esperConfigVersion.cmake
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/package/esperConfig.cmake ${PROJECT_BINARY_DIR}/package/esperConfigVersion.cmake
    DESTINATION ${ESPER_PACKAGE_DIR})
  install(FILES ${PROJECT_SOURCE_DIR}/docs/linking.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()
