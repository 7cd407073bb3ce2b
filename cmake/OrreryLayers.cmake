# One static library a folder of src; src/LAYERS says what each may use.

add_library(orr_options INTERFACE)
target_compile_definitions(orr_options INTERFACE _GNU_SOURCE
  ORR_VERSION="${PROJECT_VERSION}")
target_compile_options(orr_options INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wvla
  -Wmissing-prototypes -Wstrict-prototypes $<$<BOOL:${ORR_WERROR}>:-Werror>
  -fno-strict-aliasing)
target_include_directories(orr_options INTERFACE ${PROJECT_SOURCE_DIR}/src
  ${PROJECT_SOURCE_DIR}/include)
if(ORR_SANITIZE)
  target_compile_options(orr_options INTERFACE -fsanitize=address,undefined
    -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(orr_options INTERFACE -fsanitize=address,undefined)
endif()
if(ORR_FUZZ) # the targets themselves link the fuzzer
  target_compile_options(orr_options INTERFACE
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer)
  target_link_options(orr_options INTERFACE -fsanitize=address,undefined)
endif()

function(orr_add_layers file)
  file(STRINGS ${file} lines REGEX "^[a-z]+:")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  foreach(line IN LISTS lines)
    string(REGEX MATCH "^([a-z]+): *(.*)$" _ "${line}")
    set(name ${CMAKE_MATCH_1})
    string(REPLACE " " ";" below "${CMAKE_MATCH_2}")
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${name}/*.c)
    if(NOT sources)
      add_library(orr_${name} INTERFACE)
      set(scope INTERFACE)
    else()
      add_library(orr_${name} STATIC ${sources})
      set(scope PUBLIC)
    endif()
    target_link_libraries(orr_${name} ${scope} orr_options ${ORR_USES_${name}})
    foreach(lower IN LISTS below)
      target_link_libraries(orr_${name} ${scope} orr_${lower})
    endforeach()
  endforeach()
endfunction()
