# liborrery: what include/orrery/run.h promises, for programs that read runs. Of the folders that
# it is made of only the calls of that header are seen from outside: cmake/orrery.map.
set(folders base lang hdf store tables)
set(objects)
foreach(folder IN LISTS folders)
  set_target_properties(orr_${folder} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_options(orr_${folder} PRIVATE -fno-semantic-interposition)
  list(APPEND objects $<TARGET_OBJECTS:orr_${folder}>)
endforeach()

set(map ${CMAKE_CURRENT_LIST_DIR}/orrery.map)
add_library(orrery_run SHARED ${objects})
set_target_properties(orrery_run PROPERTIES OUTPUT_NAME orrery EXPORT_NAME run
  LINKER_LANGUAGE C VERSION ${PROJECT_VERSION} SOVERSION 0 LINK_DEPENDS ${map}
  INSTALL_RPATH_USE_LINK_PATH ON)
target_link_libraries(orrery_run PRIVATE orr_options)
foreach(folder IN LISTS folders)
  target_link_libraries(orrery_run PRIVATE ${ORR_USES_${folder}})
endforeach()
target_link_options(orrery_run PRIVATE LINKER:--version-script=${map})
target_include_directories(orrery_run INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_library(orrery::run ALIAS orrery_run)
