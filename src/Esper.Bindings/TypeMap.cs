namespace Esper.Bindings;

/// <summary>C types to C# types, for the types that the headers declare and the fixed-width ones.</summary>
internal sealed class TypeMap
{
    private readonly Dictionary<string, string> scalars = new(StringComparer.Ordinal)
    {
        ["void"] = "void",
        ["char"] = "byte",
        ["uint8_t"] = "byte",
        ["int32_t"] = "int",
        ["uint32_t"] = "uint",
        ["int64_t"] = "long",
        ["uint64_t"] = "ulong",
        ["float"] = "float",
        ["double"] = "double",
        ["esper_status"] = "int",
    };

    private readonly HashSet<string> handles = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CallbackModel> callbacks = new(StringComparer.Ordinal);

    /// <summary>Makes a header's own types known.</summary>
    public void Add(HeaderModel header)
    {
        foreach (StructModel model in header.Structs)
        {
            scalars.Add(model.Name, Names.Pascal(model.Name));
        }

        foreach (CallbackModel model in header.Callbacks)
        {
            callbacks.Add(model.Name, model);
        }

        handles.UnionWith(header.Handles.Select(model => model.Name));
    }

    /// <summary>The callback that a field of this C type holds.</summary>
    public CallbackModel? Callback(string type) => callbacks.GetValueOrDefault(type);

    /// <summary>Type of a parameter; handles become their safe types, pointers to handles <c>out</c> of them.</summary>
    public string Parameter(string type, string place)
    {
        (string name, int pointers) = Split(type);
        return (handles.Contains(name), pointers) switch
        {
            (true, 1) => Names.Handle(name),
            (true, 2) => "out " + Names.Handle(name),
            _ => Plain(type, place),
        };
    }

    /// <summary>Type with nothing but pointers and values; a handle is <c>nint</c>.</summary>
    /// <exception cref="BindingException">The type has no counterpart.</exception>
    public string Plain(string type, string place)
    {
        (string name, int pointers) = Split(type);
        if (handles.Contains(name) && pointers == 1)
        {
            return "nint";
        }

        if (callbacks.TryGetValue(name, out CallbackModel? callback) && pointers == 0)
        {
            return FunctionPointer(callback);
        }

        return scalars.TryGetValue(name, out string? scalar)
            ? scalar + new string('*', pointers)
            : throw new BindingException(
                $"{place}: type '{type}' has no counterpart in C#; use a fixed-width type or add it to TypeMap.cs.");
    }

    private string FunctionPointer(CallbackModel callback)
    {
        // "void (*)(void *, int32_t)": result, then parameters.
        int marker = callback.Type.IndexOf("(*)(", StringComparison.Ordinal);
        string result = callback.Type[..marker].Trim();
        string[] parameters = callback.Type[(marker + 4)..^1].Split(',', StringSplitOptions.TrimEntries);
        IEnumerable<string> types = parameters.Append(result).Select(type => Plain(type, callback.Name));
        return $"delegate* unmanaged<{string.Join(", ", types)}>";
    }

    private static (string Name, int Pointers) Split(string type)
    {
        string bare = type.Replace("const ", "", StringComparison.Ordinal);
        return (bare.Replace("*", "", StringComparison.Ordinal).Trim(), bare.Count(c => c == '*'));
    }
}
