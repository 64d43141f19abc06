using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Esper.Architecture.Tests;

/// <summary>Native code is reached only through Esper.Native, and raw pointers never leave it.</summary>
public sealed partial class NativeBoundaryTests
{
    private const string Native = "Esper.Native";

    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static IEnumerable<ProductProject> Others => ProductProject.All.Where(project => project.Name != Native);

    [Fact]
    public void Only_Native_imports_functions() => Rule.Holds(
        "Only Esper.Native imports native functions (DllImport, LibraryImport).",
        from project in Others
        from type in project.Assembly.GetTypes()
        from method in type.GetMethods(Declared)
        where method.Attributes.HasFlag(MethodAttributes.PinvokeImpl)
        select $"{project.Name}: {type.FullName}.{method.Name}");

    [Fact]
    public void Only_Native_allows_unsafe_code() => Rule.Holds(
        "Only Esper.Native has AllowUnsafeBlocks.",
        from project in Others
        where project.Property("AllowUnsafeBlocks") is not null
        select project.File.Path);

    [Fact]
    public void Only_Native_names_interop_in_its_source() => Rule.Holds(
        "Only Esper.Native uses imports, unsafe code, raw handles or the marshaller.",
        from project in Others
        from file in Repository.Sources($"src/{project.Name}", ".cs")
        from line in file.Lines
        where Interop().IsMatch(SourceRules.WithoutComment(line.Text)) && !WritesBindings(project)
        select $"{file.Path}:{line.Number}: {line.Text.Trim()}");

    [Fact]
    public void Public_types_of_Native_show_no_pointer() => Rule.Holds(
        "Raw pointers and handles stay inside Esper.Native: spans, memory and sealed wrappers cross its boundary.",
        ProductProject.All.Single(project => project.Name == Native).Assembly.GetExportedTypes().SelectMany(RawSignatures));

    [Theory]
    [InlineData(typeof(nint), true)]
    [InlineData(typeof(nuint[]), true)]
    [InlineData(typeof(List<nint>), true)]
    [InlineData(typeof(int*), true)]
    [InlineData(typeof(SafeHandle), true)]
    [InlineData(typeof(Microsoft.Win32.SafeHandles.SafeFileHandle), true)]
    [InlineData(typeof(Memory<float>), false)]
    [InlineData(typeof(string), false)]
    public void Raw_types_are_recognised(Type type, bool raw) => Assert.Equal(raw, IsRaw(type));

    /// <summary>The generator's strings contain the attributes that it writes.</summary>
    private static bool WritesBindings(ProductProject project) => project.Name == "Esper.Bindings";

    private static IEnumerable<string> RawSignatures(Type type)
    {
        if (IsRaw(type))
        {
            yield return $"{type.FullName} is a handle";
            yield break;
        }

        foreach (MemberInfo member in type.GetMembers(Declared).Where(IsVisible))
        {
            if (SignatureOf(member).FirstOrDefault(IsRaw) is { } raw)
            {
                yield return $"{type.FullName}.{member.Name} shows {raw}";
            }
        }
    }

    private static bool IsVisible(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        _ => false,
    };

    /// <summary>The types in a member's signature. Properties and events appear as their accessors.</summary>
    private static IEnumerable<Type> SignatureOf(MemberInfo member) => member switch
    {
        MethodInfo method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType),
        ConstructorInfo constructor when !IsDelegate(constructor.DeclaringType!) =>
            constructor.GetParameters().Select(parameter => parameter.ParameterType),
        FieldInfo field => [field.FieldType],
        _ => [],
    };

    /// <summary>The compiler gives every delegate a constructor with a pointer, which no C# code sees.</summary>
    private static bool IsDelegate(Type type) => type.IsSubclassOf(typeof(Delegate));

    private static bool IsRaw(Type type) =>
        type == typeof(nint) || type == typeof(nuint) || type.IsPointer || type.IsFunctionPointer
        || type.IsAssignableTo(typeof(SafeHandle))
        || (type.HasElementType && IsRaw(type.GetElementType()!))
        || type.GetGenericArguments().Any(argument => !argument.IsGenericParameter && IsRaw(argument));

    [GeneratedRegex(@"\b(DllImport|LibraryImport|unsafe|fixed\s*\(|stackalloc\s+\w+\s*\*|nint|nuint|IntPtr|UIntPtr|Marshal\.|GCHandle|NativeMemory|NativeLibrary\.)")]
    private static partial Regex Interop();
}
