-- What git does to the content of files between the object store and a checkout, and to their names
-- and kinds. Where repositories lie and how they are kept: repositories_layout_spec.lua.

local repositories = require "repositories"
local support = require "support"

local lands, refuses, set = repositories.lands, repositories.refuses, repositories.set

describe("a run lands what git add would have made", function()
  local w
  after_each(function() w:close() end)

  -- A repository with these files on the base, and then a user in the middle of something.
  local function with(files, ...)
    w = support.new()
    set(w, ...)
    for name, text in pairs(files) do w:write(name, text) end
    if next(files) then repositories.commit(w) end
    w:make_user_work()
  end

  describe("of content:", function()
    it("a filter of the user is run both ways", function()
      with({ [".gitattributes"] = "*.rot filter=rot\n", ["a.rot"] = "hello\n" },
        "filter.rot.clean", "tr a-z n-za-m", "filter.rot.smudge", "tr a-z n-za-m")
      lands(w, { edit = "grep -q hello a.rot\necho more >>a.rot\necho another >b.rot\n"
        .. "echo '*.new filter=rot' >>.gitattributes\necho third >c.new\n" })
      assert.equal("uryyb\nzber", w:git("show", "HEAD:a.rot"))
      assert.equal("nabgure", w:git("show", "HEAD:b.rot"))
      assert.equal("hello\nmore\n", w:read "a.rot")
    end)

    it("a required filter that keeps content elsewhere is run", function()
      w = support.new()
      local clean = "mkdir -p ../big; cat >../big/$$; set -- $(sha256sum <../big/$$)\n"
        .. "mv ../big/$$ \"$BIG/$1\"; echo \"pointer $1\"\n"
      w:write("../big/.keep", "")
      local top = ("BIG='%s/big'; cd \"$BIG\"\n"):format(w.top)
      set(w, "filter.big.clean", repositories.program(w, "clean", top .. clean), "filter.big.required", "true",
        "filter.big.smudge", repositories.program(w, "smudge", top .. 'read word name; cat "$name"\n'))
      w:write(".gitattributes", "*.bin filter=big -text\n")
      w:write("a.bin", ("\0\1\r\n"):rep(5000))
      repositories.commit(w)
      lands(w, { edit = "test $(wc -c <a.bin) = 20000\nhead -c 100 /dev/zero >>a.bin\nhead -c 9000 a.bin >b.bin\n" })
      assert.truthy(w:git("show", "HEAD:b.bin"):find "^pointer %x+$")
      assert.equal(9000, #w:read "b.bin")
    end)

    it("a required filter that is not there stops the task before an agent sees raw content", function()
      with({ [".gitattributes"] = "*.bin filter=big\n", ["a.bin"] = "raw\n" })
      set(w, "filter.big.clean", "cat", "filter.big.smudge", "/nowhere/smudge")
      set(w, "filter.big.required", "true")
      refuses(w, { code = 1, status = "failed", says = "smudge filter big failed" })
      assert.falsy(w:exists(w.top .. "/status"))
      assert.equal(1, w:worktrees())
      assert.equal("", w:git("branch", "--list", "task/*"))
    end)

    it("line ends with core.autocrlf", function()
      with({ ["crlf.txt"] = "a\r\nb\r\n" }, "core.autocrlf", "true")
      lands(w, { edit = "printf 'c\\r\\n' >>crlf.txt\nprintf 'x\\r\\ny\\r\\n' >new.txt\n" })
      assert.equal("a\nb\nc", w:git("show", "HEAD:crlf.txt"))
      assert.equal("x\r\ny\r\n", w:read "new.txt")
    end)

    it("line ends with attributes", function()
      with { [".gitattributes"] = "*.bat text eol=crlf\n*.sh text eol=lf\n*.raw -text\n* ident\n",
        ["a.bat"] = "one\r\n", ["a.sh"] = "one\n", ["a.raw"] = "one\r\n", ["id.c"] = "$Id$\n" }
      lands(w, { edit = [[
        for f in a.bat a.sh a.raw new.bat new.sh new.raw; do printf 'two\r\nthree\r\n' >>$f; done
        echo more >>id.c
      ]] })
      assert.equal("one\r\ntwo\r\nthree\r\n", w:read "a.bat")
    end)

    it("files in UTF-16", function()
      local text = "\xff\xfee\0i\0n\0s\0\n\0"
      with { [".gitattributes"] = "*.u16 text working-tree-encoding=UTF-16\n", ["a.u16"] = text }
      lands(w, { edit = [[
        printf 'z\000w\000\344\000\n\000' >>a.u16
        printf 'neu\n' | iconv -f UTF-8 -t UTF-16 >new.u16
      ]] })
      assert.equal("neu", w:git("show", "HEAD:new.u16"))
      assert.equal("eins\nzwä", w:git("show", "HEAD:a.u16"))
    end)
  end)

  describe("of modes and links:", function()
    it("executable bits", function()
      with { ["run.sh"] = "x\n", ["was.sh"] = "x\n" }
      w:command { "chmod", "+x", w.root .. "/was.sh" }
      repositories.commit(w)
      w:make_user_work()
      lands(w, { edit = "chmod +x run.sh\nchmod -x was.sh\necho x >new.sh\nchmod +x new.sh\n" })
      local modes = w:git("ls-tree", "--format=%(objectmode)", "HEAD", "new.sh", "run.sh", "was.sh")
      assert.equal("100755\n100755\n100644", modes)
    end)

    it("executable bits that git must not look at", function()
      w = support.new()
      set(w, "core.fileMode", "false")
      w:write("run.sh", "x\n")
      w:write("plain.sh", "x\n")
      w:git("add", "--chmod=+x", "run.sh")
      repositories.commit(w)
      w:make_user_work()
      lands(w, { edit = "echo x >>run.sh\nchmod -x run.sh\necho x >>plain.sh\nchmod +x plain.sh\n" })
      assert.equal("100644\n100755", w:git("ls-tree", "--format=%(objectmode)", "HEAD", "plain.sh", "run.sh"))
    end)

    it("symbolic links, also to nowhere and out of the repository", function()
      w = support.new()
      w:write("../outside/file", "of the user\n")
      repositories.shell(w, w.root, [[
        ln -s src/f3.txt near; ln -s nowhere dangling; ln -s ../outside/file out; ln -s ../outside folder
      ]])
      repositories.commit(w)
      w:make_user_work()
      lands(w, { edit = [[
        ln -sfn src/f4.txt near
        rm dangling; echo file now >dangling
        ln -s also/nowhere new; ln -s ../outside new-folder
        rm src/f5.txt; ln -s f3.txt src/f5.txt
        ln -sfn ../outside/other out
      ]] })
      assert.equal("of the user\n", w:read "../outside/file")
      assert.equal("also/nowhere", w:git("show", "HEAD:new"))
    end)

    describe("with core.ignorecase on a disk that tells README from Readme,", function()
      local function two_names()
        with { ["README"] = "upper\n", ["Readme"] = "mixed\n" }
        set(w, "core.ignorecase", "true")
      end

      it("both names", function()
        two_names()
        lands(w)
        assert.equal("upper\nmixed\n", w:read "README" .. w:read "Readme")
      end)

      -- git add takes the change of one of the two only, and says nothing.
      it("no task is done whose work git add leaves out", function()
        two_names()
        refuses(w, { edit = "echo more >>README\necho more >>Readme\n", code = 1, status = "failed",
          says = "README" })
      end)
    end)
  end)

  describe("of names:", function()
    it("bytes that are no UTF-8", function()
      with { ["caf\xe9.txt"] = "one\n" }
      lands(w, { edit = "printf 'two\\n' >>\"$(printf 'caf\\351.txt')\"\nmkdir \"$(printf '\\377')\"\n"
        .. "echo new >\"$(printf '\\377/\\376')\"\n" })
    end)

    it("newlines, quotes, dashes, colons, brackets, stars", function()
      with { ["a\nb.txt"] = "one\n", ['q"uo\'te'] = "one\n", ["-rf"] = "one\n", [":(top)x"] = "one\n",
        ["[s]"] = "one\n", ["s"] = "one\n", ["*"] = "one\n" }
      lands(w, { edit = [[
        for f in *; do test ! -f "$f" || echo two >>"./$f"; done
        echo new >'./--all'; echo new >':!src'; echo new >'new
line'; echo new >'tab	'; echo new >' x '; echo new >'$(touch x)'; echo new >'back\slash'
        rm ./-rf
      ]] })
    end)
  end)

  describe("of merges:", function()
    local function meanwhile(text)
      return ("(cd '%s' && unset GIT_COMMITTER_NAME $(git rev-parse --local-env-vars) && %s)\n"):format(w.root, text)
    end
    local rename = "git mv src lib && git commit -qm rename"

    it("a new file follows a directory that was renamed, when git is told so", function()
      with({}, "merge.directoryRenames", "true")
      repositories.commit(w, "the user is done")
      lands(w, { edit = meanwhile(rename) .. "echo new >src/new.txt\n", merged = "lib/new.txt " })
    end)

    it("a new file in a directory that was renamed is a conflict otherwise", function()
      with {}
      repositories.commit(w, "the user is done")
      local task = refuses(w, { edit = meanwhile(rename) .. "echo new >src/new.txt\n",
        code = 0, status = "needs-input", says = "lib/new.txt", moved = true })
      assert.equal("merge-conflict", task.pending_question.id)
    end)

    it("a merge driver of the user is run", function()
      with({ [".gitattributes"] = "version merge=highest\n", ["version"] = "1\n" },
        "merge.highest.driver", "cat %A %B | sort -n | tail -1 >%A.new; mv %A.new %A")
      lands(w, { edit = meanwhile "echo 3 >version && git commit -qm user version" .. "echo 4 >version\necho x >new\n",
        merged = "new version " })
      assert.equal("4\n", w:read "version")
    end)
  end)
end)
