"""The appendix in its formats: one `Document` in, the texts of files out.

    latex.render(document, LatexOptions())             -> {file name: text}
    markdown.render(document, folder="")               -> text
    markdown.patch(readme, markdown.block(document))   -> text
    html.render(document, {file name: bytes})          -> text
    compile.compile_pdf({file name: text or bytes})    -> Compiled

All but `compile`, which runs TeX, are pure: they read and write nothing.  Each raises
ValueError for a page that is not whole (`document.problems`); untrusted text is no
fault of a page.
"""
