# The templates of `orrery new`, workflows/templates/*.yaml, as bytes in the program: they are there
# wherever it is. TEMPLATE.yaml is the workflow, TEMPLATE.job.yaml its job.

function(orr_embed_templates target directory)
  file(GLOB jobs CONFIGURE_DEPENDS ${directory}/*.job.yaml)
  set(bytes "")
  set(rows "")
  set(n 0)
  foreach(job IN LISTS jobs)
    get_filename_component(name ${job} NAME)
    string(REPLACE ".job.yaml" "" name ${name})
    set(row "    { \"${name}\"")
    foreach(file ${directory}/${name}.yaml ${job})
      set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
      file(READ ${file} hex HEX)
      string(REGEX REPLACE "(..)" "0x\\1," hex "${hex}")
      string(APPEND bytes "static const unsigned char bytes${n}[] = { ${hex}0 };\n")
      string(APPEND row ", (const char *)bytes${n}")
      math(EXPR n "${n} + 1")
    endforeach()
    string(APPEND rows "${row} },\n")
  endforeach()
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated/templates.c)
  file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT
"/* made by cmake/OrreryTemplates.cmake from workflows/templates */
#include \"cli/templates.h\"

@bytes@
const struct orri_template orri_templates[] = {
@rows@    { 0 },
};
")
  target_sources(${target} PRIVATE ${generated})
endfunction()
