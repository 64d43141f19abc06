namespace Esper.Bindings;

/// <summary>Generates <c>src/Esper.Native/Generated</c> from the C headers.</summary>
internal static class Program
{
    /// <summary>The command that brings the generated files up to date.</summary>
    public const string RefreshCommand = "dotnet run --project src/Esper.Bindings";

    private const string Usage = $"Usage: {RefreshCommand} [-- --check]";

    /// <summary>Writes the files, or with <c>--check</c> compares them. 0 = done, 1 = stale or failed, 2 = bad usage.</summary>
    public static int Main(string[] args)
    {
        bool check = args is ["--check"];
        if (!check && args.Length > 0)
        {
            Console.Error.WriteLine($"Unknown argument '{args[0]}'. {Usage}");
            return 2;
        }

        try
        {
            string root = FindRoot();
            IReadOnlyList<(string Path, string Text)> files = Generate(root);
            return check ? Check(root, files) : Write(root, files);
        }
        catch (Exception e) when (e is BindingException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static List<(string Path, string Text)> Generate(string root)
    {
        string include = Path.Combine(root, "native", "include");
        string output = Path.Combine(root, "src", "Esper.Native", "Generated");
        TypeMap types = new();
        List<(string Path, string Text)> files = [];
        foreach (BindingTarget target in BindingTarget.All)
        {
            HeaderModel model = HeaderReader.Read(Path.Combine(include, "esper", target.HeaderName), include);
            types.Add(model);
            files.AddRange(new BindingWriter(target, model, types).Files()
                .Select(file => (Path.Combine(output, file.Name), file.Text)));
        }

        return files;
    }

    private static int Write(string root, IReadOnlyList<(string Path, string Text)> files)
    {
        foreach ((string path, string text) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
            Console.WriteLine(Path.GetRelativePath(root, path));
        }

        return 0;
    }

    private static int Check(string root, IReadOnlyList<(string Path, string Text)> files)
    {
        List<string> stale =
            [.. files.Where(file => !File.Exists(file.Path) || File.ReadAllText(file.Path) != file.Text).Select(file => file.Path)];
        foreach (string path in stale)
        {
            Console.Error.WriteLine(
                $"{Path.GetRelativePath(root, path)} does not match the C headers. Refresh it with: {RefreshCommand}");
        }

        return stale.Count == 0 ? 0 : 1;
    }

    private static string FindRoot()
    {
        string[] starts = [Environment.CurrentDirectory, AppContext.BaseDirectory];
        foreach (string start in starts)
        {
            for (DirectoryInfo? directory = new(start); directory is not null; directory = directory.Parent)
            {
                if (File.Exists(Path.Combine(directory.FullName, "Esper.sln")))
                {
                    return directory.FullName;
                }
            }
        }

        throw new BindingException("Esper.sln is neither here nor above; run the generator inside the repository.");
    }
}
