if(ESPER_SANITIZE)
  add_compile_options(-fsanitize=${ESPER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ESPER_SANITIZE})
endif()
