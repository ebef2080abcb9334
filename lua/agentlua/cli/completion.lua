-- agentlua completion bash|zsh|fish

return {
  summary = "print a script that completes commands, options and task ids in your shell",
  configure = function(parser)
    parser:argument("shell", "bash: source <(agentlua completion bash); fish: the same with | source; zsh: a file "
      .. "_agentlua in a directory of $fpath"):choices { "bash", "zsh", "fish" }
  end,
  run = function(args)
    local words = require("agentlua.completion").words(require("agentlua.cli").list())
    io.write(require("agentlua.completion." .. args.shell).script(words))
  end,
}
