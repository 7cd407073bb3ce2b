# What `cmake --install` puts where; manual pages are compiled by scdoc when it is there.
include(CMakePackageConfigHelpers)

# Libraries outside the system's directories (modules, Spack) are found after installation.
set_target_properties(orrery PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
install(TARGETS orrery RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
file(GLOB ORR_PUBLIC_HEADERS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/orrery/*.h)
install(FILES ${ORR_PUBLIC_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/orrery)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/workflows ${PROJECT_SOURCE_DIR}/jobs
  DESTINATION ${CMAKE_INSTALL_DATADIR}/orrery FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/slurm/sites
  DESTINATION ${CMAKE_INSTALL_DATADIR}/orrery FILES_MATCHING PATTERN "*.yaml")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
  FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "examples/*" PATTERN "man" EXCLUDE)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
  ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# ---- JSON Schemas, printed by the program ----

set(schemas)
foreach(kind workflow job)
  set(made ${PROJECT_BINARY_DIR}/schema/${kind}.json)
  add_custom_command(OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/schema
    COMMAND orrery schema ${kind} > ${made}
    DEPENDS orrery VERBATIM COMMENT "JSON Schema of a ${kind}")
  list(APPEND schemas ${made})
endforeach()
add_custom_target(schema ALL DEPENDS ${schemas})
install(FILES ${schemas} DESTINATION ${CMAKE_INSTALL_DATADIR}/orrery/schema)

# ---- manual pages ----

find_program(SCDOC scdoc)
mark_as_advanced(SCDOC)
file(GLOB man_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.scd)
set(man_pages)
foreach(source IN LISTS man_sources)
  get_filename_component(page ${source} NAME_WLE) # orrery-run.1
  string(REGEX MATCH "[0-9]$" section ${page})
  if(SCDOC)
    set(made ${PROJECT_BINARY_DIR}/man/${page})
    add_custom_command(OUTPUT ${made}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/man
      COMMAND ${SCDOC} < ${source} > ${made}
      DEPENDS ${source} VERBATIM COMMENT "Manual page ${page}")
    list(APPEND man_pages ${made})
    install(FILES ${made} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endif()
endforeach()
if(man_pages)
  add_custom_target(man ALL DEPENDS ${man_pages})
else()
  message(STATUS "scdoc is not there: no manual pages")
endif()

# ---- for those who build against the headers ----

add_library(orrery_headers INTERFACE)
set_target_properties(orrery_headers PROPERTIES EXPORT_NAME headers)
target_include_directories(orrery_headers INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_library(orrery::headers ALIAS orrery_headers)
install(TARGETS orrery_headers EXPORT orrery)
install(TARGETS orrery_run EXPORT orrery LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(config_directory ${CMAKE_INSTALL_LIBDIR}/cmake/orrery)
install(EXPORT orrery NAMESPACE orrery:: FILE orreryTargets.cmake
  DESTINATION ${config_directory})
set(ORR_INSTALLED_DATA ${CMAKE_INSTALL_DATADIR}/orrery)
set(ORR_INSTALLED_BIN ${CMAKE_INSTALL_BINDIR})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/orreryConfig.cmake.in
  ${PROJECT_BINARY_DIR}/orreryConfig.cmake INSTALL_DESTINATION ${config_directory}
  PATH_VARS ORR_INSTALLED_DATA ORR_INSTALLED_BIN)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/orreryConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/orreryConfig.cmake
  ${PROJECT_BINARY_DIR}/orreryConfigVersion.cmake DESTINATION ${config_directory})

# The prefix follows the file's own place, so that `cmake --install --prefix` is right.
file(RELATIVE_PATH ORR_PC_TO_PREFIX
  ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${CMAKE_CURRENT_LIST_DIR}/orrery.pc.in ${PROJECT_BINARY_DIR}/orrery.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/orrery.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
