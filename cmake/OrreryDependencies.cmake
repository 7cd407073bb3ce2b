# The libraries Orrery stands on. Each is used by one folder of src only.
find_package(PkgConfig REQUIRED)
find_package(MPI REQUIRED COMPONENTS C)
find_package(Threads REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1>=0.2.2)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET hwloc>=2.4)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash>=0.8)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(LIBAV REQUIRED IMPORTED_TARGET libavformat>=59 libavcodec>=59 libavfilter>=8
                  libswscale>=6 libswresample>=4 libavutil>=57)
# The serial library: only the writer thread of an agent and the coordinator use HDF5.
pkg_search_module(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial hdf5)

set(ORR_USES_base PkgConfig::XXHASH Threads::Threads m)
set(ORR_USES_yaml PkgConfig::YAML)
set(ORR_USES_model PkgConfig::JANSSON)
set(ORR_USES_link MPI::MPI_C)
set(ORR_USES_topo PkgConfig::HWLOC)
set(ORR_USES_plan PkgConfig::JANSSON)
set(ORR_USES_import PkgConfig::JANSSON)
set(ORR_USES_node PkgConfig::JANSSON)
# Compiled against, and loaded when it is called (OrreryLibav.cmake).
add_library(orr_libav INTERFACE)
target_include_directories(orr_libav SYSTEM INTERFACE ${LIBAV_INCLUDE_DIRS})
set(ORR_USES_media orr_libav Threads::Threads ${CMAKE_DL_LIBS})
set(ORR_USES_hdf PkgConfig::HDF5)
set(ORR_USES_store Threads::Threads)
set(ORR_USES_view PkgConfig::JANSSON)
