# FFmpeg is loaded when a process first calls it (src/media/libav.c), because its libraries
# need more than a hundred others: that took 40 ms of each process that uses none of it.
# src/media/libav.calls lists what is called, "library function" a line. Of it are made the
# table of these functions and a macro each, so that sources call them as usual.
function(orr_generate_libav_calls target list)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
  file(STRINGS ${list} lines REGEX "^[a-z]+ [a-zA-Z0-9_]+$")
  set(names "")
  set(members "")
  set(macros "")
  foreach(line IN LISTS lines)
    string(REPLACE " " ";" parts ${line})
    list(GET parts 0 library)
    list(GET parts 1 name)
    string(APPEND names "    X(${library}, ${name}) \\\n")
    string(APPEND members "    __typeof__(${name}) *${name};\n")
    string(APPEND macros "#define ${name} (*orri_libav()->${name})\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/generated/libav_calls.h @ONLY CONTENT
"/* Made of src/media/libav.calls. */
struct orri_libav {
@members@};
#ifdef ORRI_LIBAV_NAMES
#define ORRI_LIBAV_CALLS(X) \\
@names@
#else
@macros@#endif
")
  target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/generated)
endfunction()
